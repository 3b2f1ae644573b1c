// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import Testing

@testable import BootHarness

/// The promise, point by point, each beside the boot that shows what it is for.
@Suite struct ContractTests {
  @Test(arguments: StockKernel.rootfs)
  func `1 to 3 and 7: / is a leaf, pivot_root works, rootfs is empty and sealed; the console`(
    kernel: StockKernel
  ) async throws {
    let outcome = try await Boot(kernel: kernel.name).run(Promise.console)

    try outcome.expectLeaf()
    outcome.expectConsole()
  }

  @Test(arguments: StockKernel.rootfsSample)
  func `1 to 3, twin: as the kernel boots it, pivot_root gives EINVAL`(kernel: StockKernel)
    async throws
  {
    try await Boot(kernel: kernel.name, hasLeaf: false).run().expectRootfs()
  }

  @Test func `3, twin: over a bind mount of / pivot_root works, but the whole tree lies below`()
    async throws
  {
    var boot = Boot(hasLeaf: false)
    boot.tree.script(
      "bound",
      """
      busybox mount --bind / /
      cd -P /..
      exec busybox chroot . /.leafroot-boot/init
      """)
    boot.append = ["rdinit=/bound"]
    let outcome = try await boot.run()

    #expect(outcome.verdict.outcome == .notAsPromised, "\(outcome)")
    let check = try #require(outcome.check, "\(outcome)")
    #expect(check.pivotRoot == "ok")
    #expect((check.below?.entries ?? 0) > 5)
    #expect(check.below?.sealed == false)
  }

  @Test func `4: nothing of ours is in the tree, nor in the arguments and the environment`()
    async throws
  {
    var boot = Boot()
    boot.tree.script("given", Promise.given)
    boot.append = [
      "leafroot_init=/given", "one", "NAME=value", "nonroot_initramfs=value", "nonroot_initramfs",
      "two",
    ]
    let outcome = try await boot.run()

    try outcome.expectGiven(
      "one two", environment: "NAME=value", "nonroot_initramfs=value")
  }

  @Test func `5: the tree is in memory once, the image not at all`() async throws {
    var boot = Boot()
    boot.tree.file("data", [UInt8](repeating: 0x5a, count: 40 << 20))
    let (leaf, stock) = try await boot.runAndStock(GuestMemory.script)

    let ours = try #require(GuestMemory(leaf), "\(leaf)")
    let theirs = try #require(GuestMemory(stock), "\(stock)")
    #expect(ours.shared > 40 << 10, "\(leaf)")
    #expect(
      abs(ours.shared - theirs.shared) < 512, "leaf \(ours.shared) kB, stock \(theirs.shared) kB")
    let slab = ours.slab - theirs.slab
    #expect(slab < 2048, "\(slab) kB more of slab")
  }

  @Test(arguments: StockKernel.modular)
  func `6: usermode helpers, modprobe and core_pattern, see the leaf`(kernel: StockKernel)
    async throws
  {
    let outcome = try await helperBoot(kernel: kernel.name, hasModprobe: true).run(
      Self.helperScript)

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.output.contains("module: mounted"), "\(outcome)")
    #expect(outcome.output.contains("core: written"), "\(outcome)")
    #expect(!outcome.output.contains("parent=1 id=1"))
  }

  @Test func `6, twin: without the helpers in the tree neither happens`() async throws {
    let outcome = try await helperBoot(kernel: "6.12-x86_64", hasModprobe: false)
      .run(Self.helperScript)

    #expect(outcome.output.contains("module: missing"), "\(outcome)")
    #expect(outcome.output.contains("core: missing"), "\(outcome)")
  }

  private func helperBoot(kernel: String, hasModprobe: Bool) throws -> Boot {
    var boot = Boot(kernel: kernel)
    guard hasModprobe else { return boot }
    boot.tree.file("binfmt_misc.ko", try bytes(of: Place.module("binfmt_misc", of: kernel)))
    boot.tree.script("sbin/modprobe", "exec /bin/busybox insmod /binfmt_misc.ko")
    boot.tree.script("sbin/core", "/bin/busybox cat > /tmp/core")
    return boot
  }

  private static let helperScript = """
    busybox mount -t proc proc /proc
    busybox mkdir /misc
    busybox mount -t binfmt_misc none /misc && echo "module: mounted" || echo "module: missing"
    \(Promise.core)
    """

  @Test(arguments: StockKernel.rootfs)
  func `without the word the same image boots as it would without us`(kernel: StockKernel)
    async throws
  {
    var boot = Boot(kernel: kernel.name, hasLeaf: false)
    // The image is wrapped, and our PID 1 runs; only the word is not given.
    try boot.tree.addProgram("leafroot")
    boot.append = ["rdinit=/leafroot", "leafroot_init=/.leafroot-boot/init"]
    let outcome = try await boot.run("echo /*")

    #expect(outcome.check?.isLeaf == false, "\(outcome)")
    #expect(outcome.check?.pivotRoot == "EINVAL")
    #expect(outcome.output.contains("/leafroot"))
    #expect(outcome.logs("nonroot_initramfs is not set, nothing to do"), "\(outcome)")
  }
}
