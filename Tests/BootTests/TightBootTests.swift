// SPDX-License-Identifier: MIT

import Encoders
import Fidelity
import Machines
import Newc
import OddImages
import Packing
import Testing

@testable import BootHarness

/// Boots that leave hardly more room than the tree takes.
@Suite struct TightBootTests {
  /// tmpfs counts each name as an inode, and rootfs has the given limit too.
  @Test func `600 files of two names move where 1,300 inodes are`() async throws {
    let count = """
      n=0; for f in /many/*; do
      [ "$(busybox stat -c %h $f)" = 2 ] && [ $f -ef /again/${f##*/} ] && n=$((n + 1))
      done; echo "pairs $n"; busybox md5sum /again/599
      """
    var boot = Boot(append: ["initramfs_options=nr_inodes=1300"])
    for name in ["many", "again"] { boot.tree.directory(name) }
    for number in 0..<600 {
      for directory in ["many", "again"] {
        // The first record has the content.
        let data = directory == "many" ? Array("file \(number)\n".utf8) : []
        boot.tree.add(
          Entry(
            name: Array("\(directory)/\(number)".utf8), mode: 0o100644, linkCount: 2,
            inode: UInt32(100_000 + number)), data)
      }
    }
    let (leaf, stock) = try await boot.runAndStock(count)

    #expect(leaf.verdict.outcome == .asPromised, "\(leaf)")
    #expect(leaf.output.contains("pairs 600"), "\(leaf)")
    #expect(leaf.output == stock.output, "\(stock)")
  }

  /// The payload lacks its last files then: that is what comes of it, and no remedy.
  @Test func `where a payload could not be copied, the last words are those of a full rootfs`()
    async throws
  {
    var boot = Boot()
    (boot.memory, boot.isAbridged) = (150, false)
    boot.packer = Packer(.none, jobs: 1, memberSize: 1 << 20)
    for number in 0..<45 {
      boot.tree.file("\(number)", [UInt8](repeating: UInt8(number), count: 1 << 20))
    }
    let outcome = try await boot.run("true")
    #expect(outcome.logs("the image is half unpacked, the boot stops. The kernel: "), "\(outcome)")
    #expect(outcome.logs(" is full: "), "\(outcome)")
    #expect(!outcome.logs("missing"), "\(outcome)")
  }

  /// The kernel gives a file its size before its content, and unpacks what there is. It never
  /// closes the file that it was writing (init/initramfs.c, wfile), so that rootfs cannot be
  /// sealed.
  @Test(arguments: [[], ["rootfstype=ramfs"]])
  func `a raw image cut short: 2,000 MB that are not there need no memory`(
    words: [String]
  ) async throws {
    let record = OddRecord.file("cut").with { $0.dataSize = 2_000_000_000 }
    let image = record.bytes + [UInt8](repeating: 7, count: 1000)
    let script = "busybox stat -c 'size %s' /cut; busybox head -c 1000 /cut | busybox md5sum"
    let boot = Boot(images: [image], append: words, memory: 512, isAbridged: false)
    let (leaf, stock) = try await boot.runAndStock(script)

    #expect(leaf.check?.isLeaf == true, "\(leaf)")
    #expect(leaf.check?.pivotRoot == "ok", "\(leaf)")
    #expect(leaf.check?.below?.entries == 0, "\(leaf)")
    #expect(leaf.output.contains("size 2000000000"), "\(leaf)")
    #expect(leaf.output == stock.output, "\(stock)")
  }
}
