// SPDX-License-Identifier: MIT

import Fidelity
import Files
import Machines
import OddImages
import SystemPackage
import Testing

@testable import BootHarness

/// What PID 1 does where it cannot, or must not, make the leaf.
@Suite struct FallbackTests {
  @Test func `a tmpfs too small for the tree: the boot goes on in rootfs, with nothing lost`()
    async throws
  {
    // On a ramfs the kernel does not apply the option to rootfs itself.
    var boot = Boot(append: ["rootfstype=ramfs", "initramfs_options=size=8M"])
    boot.tree = NastyTree.tree()
    boot.tree.file("large", [UInt8](repeating: 7, count: 12 << 20))
    let (fallen, stock) = try await boot.runAndStock(NastyTree.census)

    #expect(fallen.check?.isLeaf == false, "\(fallen)")
    #expect(
      fallen.verdict.logged.contains {
        $0.hasPrefix("Failed to create a non-root filesystem for initramfs: fill: ")
          && $0.hasSuffix("No space left on device")
      }, "\(fallen)")
    #expect(
      NastyTree.entries(fallen).filter { !$0.contains("./leafroot") }
        == NastyTree.entries(stock))
  }

  /// 5.10 does not know the word, so that rootfs has room where the leaf would not.
  @Test(arguments: [
    ("size=8M", "size= in initramfs_options allows 8192"),
    ("nr_inodes=300", "nr_inodes= in initramfs_options allows 300"),
  ])
  func `options that are too small for the tree: refused before the first entry moves`(
    options: String, reason: String
  ) async throws {
    var boot = Boot(kernel: "5.10-x86_64", append: ["initramfs_options=\(options)"])
    boot.tree.file("large", [UInt8](repeating: 7, count: 12 << 20))
    for file in 0..<400 { boot.tree.file("tmp/\(file)", []) }
    let outcome = try await boot.run("busybox ls /tmp | busybox wc -l")

    #expect(outcome.check?.isLeaf == false, "\(outcome)")
    let start = "Failed to create a non-root filesystem for initramfs: fill: the tree needs "
    #expect(
      outcome.verdict.logged.contains { $0.hasPrefix(start) && $0.hasSuffix(reason) },
      "\(outcome)")
    #expect(outcome.output.contains("400"), "\(outcome)")
  }

  @Test(arguments: StockKernel.rootfsSample)
  func `rootfs as a ramfs: the leaf is made all the same`(kernel: StockKernel) async throws {
    var boot = Boot(kernel: kernel.name, append: ["rootfstype=ramfs"])
    boot.tree.file("large", [UInt8](repeating: 7, count: 9_000_001))
    let outcome = try await boot.run("busybox md5sum /large")

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.output.contains("f3aff2e7d3816b6adc17c74650155b56"), "\(outcome)")
  }

  @Test func `initramfs_options= are the leaf's mount options`() async throws {
    try await Boot().expectMountOptions()
  }

  @Test func `without options the leaf has rootfs's own limits`() async throws {
    let script = "busybox stat -f -c '%b %c' /"
    // Where the kernel lies changes what it has free by a page.
    let leaf = try await Boot(append: ["nokaslr"]).run(script)
    let stock = try await Boot(hasLeaf: false, append: ["nokaslr"]).run(script)

    #expect(leaf.verdict.outcome == .asPromised, "\(leaf)")
    // Half of the memory that the kernel saw free: less by the size of our segment.
    let program = try InputFile(Place.library.appending("leafroot-init.x86_64"))
    let most = Int(program.size) / 4096 / 2 + 1
    for (ours, theirs) in zip(numbers(leaf), numbers(stock)) {
      #expect(ours > 20_000 && (0...most).contains(theirs - ours), "\(ours) of \(theirs)")
    }
    #expect(numbers(leaf).count == 2)
  }

  private func numbers(_ outcome: Outcome) -> [Int] {
    outcome.output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
  }

  @Test(arguments: StockKernel.rootfs)
  func `a damaged image: last words, and no boot of half a tree`(
    kernel: StockKernel
  ) async throws {
    let outcome = try await Boot(kernel: kernel.name, images: [Boot.damagedImage]).run()

    #expect(outcome.verdict.outcome == .panicked, "\(outcome)")
    #expect(outcome.logs("the image is half unpacked, the boot stops"), "\(outcome)")
    #expect(outcome.logs("/ is not full: the image is damaged"), "\(outcome)")
  }

  @Test func `a damaged image, twin: as the kernel boots it, half a tree runs`() async throws {
    let outcome = try await Boot(images: [Boot.damagedImage], hasLeaf: false).run()

    #expect(outcome.verdict.outcome == .notAsPromised, "\(outcome)")
    #expect(outcome.verdict.isHalfUnpacked)
  }

  @Test func `an image too large for rootfs: last words name what there is, and what helps`()
    async throws
  {
    // rootfs takes half of the memory; the kernel says no more than "write error".
    var tree = GuestTree(init: nil)
    tree.file("large", [UInt8](repeating: 7, count: 140 << 20))
    let packed = try Compressor.zstd.compress(tree.image, "-1", "--check")
    let outcome = try await Boot(images: [packed]).run()

    #expect(outcome.verdict.outcome == .panicked, "\(outcome)")
    #expect(outcome.verdict.isHalfUnpacked)
    #expect(outcome.logs("/ is full: "), "\(outcome)")
    #expect(outcome.logs("initramfs_options=size=90%"), "\(outcome)")
  }

  @Test func `where a given size is too small, last words say so`() async throws {
    // These kernels apply the option to rootfs: it is full before the tree is unpacked.
    var boot = Boot(append: ["initramfs_options=size=8M"])
    boot.tree.file("large", [UInt8](repeating: 7, count: 12 << 20))
    let outcome = try await boot.run()

    #expect(outcome.verdict.outcome == .panicked, "\(outcome)")
    #expect(outcome.logs("Needed: a larger size= in initramfs_options"), "\(outcome)")
  }

  @Test
  func
    `an image with more entries than rootfs has inodes: last words, though the kernel says none`()
    async throws
  {
    var boot = Boot(append: ["initramfs_options=nr_inodes=300"])
    for file in 0..<400 { boot.tree.file("tmp/\(file)", []) }
    let outcome = try await boot.run()

    #expect(outcome.verdict.outcome == .panicked, "\(outcome)")
    #expect(!outcome.verdict.isHalfUnpacked)
    #expect(outcome.logs("/ has no free inode of 300. Needed: "), "\(outcome)")
  }

  @Test func `another process in rootfs: the boot goes on there`() async throws {
    let boot = try Boot.prepared("busybox sleep 600 & exec /leafroot nonroot_initramfs")
    let outcome = try await boot.run("echo /*")

    #expect(outcome.check?.isLeaf == false, "\(outcome)")
    #expect(outcome.logs("guard: another process runs in rootfs"), "\(outcome)")
    #expect(outcome.output.contains("/leafroot /prepare"), "\(outcome)")
  }

  @Test func `a process that ends soon is waited for`() async throws {
    let boot = try Boot.prepared("busybox sleep 1 & exec /leafroot nonroot_initramfs")
    let outcome = try await boot.run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
  }

  @Test func `run twice: the second one finds a leaf and does nothing`() async throws {
    var boot = Boot(append: ["leafroot_init=/again"])
    try boot.tree.addProgram("again")
    let outcome = try await boot.run("echo /again*")

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.logs("the root is already a leaf, nothing to do"), "\(outcome)")
    #expect(outcome.output.contains("/again"))
  }

  @Test func `not process 1, or process 1 of a container only: refused, nothing touched`()
    async throws
  {
    var boot = Boot(hasLeaf: false)
    try boot.tree.addProgram("copy")
    let outcome = try await boot.run(
      """
      busybox touch /tmp/before /tmp/after
      busybox find / -xdev | busybox sort > /tmp/before
      /copy nonroot_initramfs; echo "child: $?"
      busybox unshare -p -f /copy nonroot_initramfs; echo "container: $?"
      busybox unshare -p -f /copy check; echo "check: $?"
      busybox find / -xdev | busybox sort > /tmp/after
      busybox cmp /tmp/before /tmp/after && echo untouched
      """)

    #expect(outcome.output.contains("refused"), "\(outcome)")
    #expect(outcome.output.contains("child: 64"), "\(outcome)")
    #expect(outcome.output.contains("container: 64"), "\(outcome)")
    #expect(outcome.output.contains("check: 1"), "\(outcome)")
    #expect(outcome.output.contains("untouched"), "\(outcome)")
  }

  @Test func `without /init the kernel's own list is tried, in its order`() async throws {
    // The word becomes the shell's argument: the script to run.
    var boot = Boot(append: ["leafroot_init=/missing", "script"])
    boot.tree = GuestTree(init: nil)
    boot.tree.directory("sbin/init")
    boot.tree.file("etc/init", "neither a program nor a script", mode: 0o755)
    boot.tree.link("bin/init", to: "init")
    boot.tree.script("script", "exec /.leafroot-boot/init")
    let outcome = try await boot.run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    let failed = [
      "/missing: No such file or directory", "/sbin/init: Permission denied",
      "/etc/init: Exec format error", "/bin/init: Symbolic link loop",
    ].map { "leafroot: \($0)" }
    #expect(outcome.verdict.logged.filter(failed.contains) == failed, "\(outcome)")
  }

  @Test func `no init at all: last words`() async throws {
    var boot = Boot(append: ["leafroot_init=/missing"])
    boot.tree = GuestTree(init: nil)
    boot.tree.link("bin/sh", to: "nothing")
    let outcome = try await boot.run()

    #expect(outcome.verdict.outcome == .panicked, "\(outcome)")
    #expect(outcome.logs("no working init found; try leafroot_init=/path"), "\(outcome)")
  }
}
