// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Testing

private let mebibyte = 1 << 20
private let gibibyte = 1 << 30

private func string(_ text: Text?) -> String? {
  text.map { String(decoding: $0.bytes, as: UTF8.self) }
}

@Suite struct `The leaf's limits` {
  @Test func `are rootfs's own`() {
    let rootfs = Limits(size: 64 * mebibyte, used: mebibyte, inodes: 1000, usedInodes: 10)
    #expect(string(rootfs.options) == "size=67108864,nr_inodes=1000")
    #expect(string(Limits().options) == "size=0,nr_inodes=0")
  }

  @Test func `are raised so that the tree and a directory of our own fit`() {
    let full = Limits(size: mebibyte, used: mebibyte, inodes: 1300, usedInodes: 1300)
    #expect(string(full.options) == "size=1048576,nr_inodes=1301")
  }

  @Test func `are read from what statfs(2) says`() {
    var answer = statfs()
    (answer.f_bsize, answer.f_blocks, answer.f_bfree) = (4096, 1000, 900)
    (answer.f_files, answer.f_ffree) = (300, 280)
    let limits = Limits(answer)
    #expect((limits.size, limits.used) == (4_096_000, 409_600))
    #expect((limits.inodes, limits.usedInodes) == (300, 20))
    // More is free than there is.
    (answer.f_bfree, answer.f_ffree) = (1001, 301)
    let odd = Limits(answer)
    #expect((odd.used, odd.usedInodes) == (0, 0))
  }

  @Test func `that are too small are reported, in bytes and in inodes`() {
    let tree = Limits(
      size: 64 * mebibyte, used: 8 * mebibyte + 4096, inodes: 2000, usedInodes: 1214)
    let small = Limits(size: 8 * mebibyte, used: 0, inodes: 2000, usedInodes: 1)
    let few = Limits(size: 64 * mebibyte, used: 0, inodes: 1214, usedInodes: 1)
    let enough = Limits(size: 9 * mebibyte, used: 0, inodes: 1215, usedInodes: 1)

    #expect(
      string(small.shortage(for: tree))
        == "the tree needs 8196 KiB, size= in initramfs_options allows 8192")
    #expect(
      string(few.shortage(for: tree))
        == "the tree needs 1215 inodes, nr_inodes= in initramfs_options allows 1214")
    #expect(enough.shortage(for: tree) == nil)
    #expect(Limits().shortage(for: tree) == nil)
    // A ramfs does not say what it holds.
    #expect(small.shortage(for: Limits()) == nil)
  }
}

@Suite struct `Last words` {
  private func lines(
    _ complaint: String?, _ limits: Limits, memory: Int = gibibyte, hasOptions: Bool = false
  ) -> [String] {
    LastWords(complaint.map { Array($0.utf8) }, limits, memory: memory, hasOptions: hasOptions)
      .lines.map { string($0)! }
  }

  @Test(arguments: [
    (1, "512 MiB of 512 MiB, memory 1024 MiB. Needed: more than 1152 MiB"),
    (64, "32768 MiB of 32768 MiB, memory 65536 MiB. Needed: more than 73728 MiB"),
    (4096, "2097152 MiB of 2097152 MiB, memory 4194304 MiB. Needed: more than 4718592 MiB"),
  ])
  func `name the memory, on machines of any size`(gibibytes: Int, figures: String) {
    let memory = gibibytes * gibibyte
    let full = Limits(size: memory / 2, used: memory / 2, inodes: 9, usedInodes: 1)
    let lines = lines("Initramfs unpacking failed: write error", full, memory: memory)

    #expect(
      lines == [
        "the image is half unpacked, the boot stops. "
          + "The kernel: Initramfs unpacking failed: write error",
        "/ is full: \(figures) of memory, or initramfs_options=size=90%",
        "to boot the half-unpacked image, add leafroot_partial=ok to the kernel command line",
      ])
  }

  @Test func `do not advise what was given`() {
    let full = Limits(size: mebibyte, used: mebibyte)
    let lines = lines("x", full, hasOptions: true)
    #expect(
      lines[1]
        == "/ is full: 1 MiB of 1 MiB, memory 1024 MiB. "
        + "Needed: a larger size= in initramfs_options")
  }

  @Test func `tell that inodes are short, of which the kernel says nothing`() {
    let lines = lines(nil, Limits(size: mebibyte, used: 0, inodes: 300, usedInodes: 300))
    #expect(lines[0].hasSuffix("The kernel: nothing"))
    #expect(
      lines[1]
        == "/ has no free inode of 300. Needed: more memory, or initramfs_options=nr_inodes=N, "
        + "where N exceeds the number of names in the image, each hard link counted, by at least 8")
  }

  @Test func `tell a damaged image from a full root`() {
    let half = Limits(size: 64 * mebibyte, used: 32 * mebibyte)
    #expect(lines("x", half)[1].hasPrefix("/ is not full: the image is damaged, cut short"))
    #expect(lines("x", Limits())[1].hasPrefix("/ is not full"))
  }

  @Test func `call a root full that has less than an eighth free`() {
    #expect(lines("x", Limits(size: 8000, used: 7001))[1].hasPrefix("/ is full"))
    #expect(lines("x", Limits(size: 8000, used: 7000))[1].hasPrefix("/ is not full"))
  }

  @Test func `of a limit below one MiB need no division by it`() {
    #expect(lines("x", Limits(size: 4096, used: 4096))[1].hasPrefix("/ is full: 0 MiB"))
  }
}
