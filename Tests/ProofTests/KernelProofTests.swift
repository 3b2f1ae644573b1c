// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import Testing

@testable import BootHarness

/// The kernels that `make kernel` builds, in QEMU.
@Suite struct KernelProofTests {
  private static let kernels = x86 + ["Image-6.12"]
  private static let x86 = ["bzImage-6.12", "bzImage-6.1", "bzImage-5.10"]

  @Test(arguments: kernels)
  func `1 to 3: / is a leaf, pivot_root works, rootfs is empty and sealed`(kernel: String)
    async throws
  {
    try await boot(kernel, "nonroot_initramfs").run().expectLeaf()
  }

  @Test(arguments: kernels)
  func `1 to 3, twin: without the word, or with a value, pivot_root gives EINVAL`(kernel: String)
    async throws
  {
    for words in [[], ["nonroot_initramfs=1"]] {
      try await boot(kernel, words: words).run().expectRootfs()
    }
  }

  @Test(arguments: x86)
  func `with call depth tracking and IBT on, the leaf is made as well`(kernel: String)
    async throws
  {
    // retbleed=stuff lets 6.12 patch each call. QEMU does not know IBT: its ENDBR does nothing.
    let outcome = try await boot(kernel, "nonroot_initramfs", "retbleed=stuff", "ibt=on").run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
  }

  @Test(arguments: x86) func `4 and 7: a nasty tree, and the leaf's console`(kernel: String)
    async throws
  {
    let script = """
      \(NastyTree.census)
      \(Promise.console)
      """
    var leafBoot = boot(kernel, "nonroot_initramfs")
    leafBoot.tree = NastyTree.tree()
    var stockBoot = boot(kernel)
    stockBoot.tree = NastyTree.tree()
    let leaf = try await leafBoot.run(script)
    let stock = try await stockBoot.run(script)

    #expect(leaf.verdict.outcome == .asPromised, "\(leaf)")
    NastyTree.expectSame(leaf, as: stock)
    leaf.expectConsole()
  }

  @Test(arguments: x86) func `initramfs_options= are the leaf's mount options`(kernel: String)
    async throws
  {
    try await boot(kernel, "nonroot_initramfs").expectMountOptions()
  }

  @Test(arguments: kernels)
  func `LeafRoot's PID 1 finds the kernel's leaf, and does nothing`(kernel: String) async throws {
    // The image is wrapped, the command line has both words.
    var boot = boot(kernel)
    boot.hasLeaf = true
    let outcome = try await boot.run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.logs("the root is already a leaf, nothing to do"), "\(outcome)")
  }

  @Test func `without CONFIG_TMPFS the word means nothing to the kernel`() async throws {
    // rdinit= takes away the arguments before it.
    var boot = Boot.userMode(
      "linux-no-tmpfs-6.12", append: ["rdinit=/given", "nonroot_initramfs"])
    boot.tree.script(
      "given",
      """
      echo "arguments: $*."
      exec /.leafroot-boot/init
      """)
    let outcome = try await boot.run("echo files: /*")

    #expect(outcome.check?.isLeaf == false, "\(outcome)")
    #expect(outcome.verdict.logged.isEmpty, "\(outcome)")
    #expect(outcome.console.lines.contains("arguments: nonroot_initramfs."), "\(outcome)")
    #expect(outcome.output.contains("/bin"), "\(outcome)")
  }

  private func boot(_ kernel: String, _ words: String...) -> Boot {
    boot(kernel, words: words)
  }

  private func boot(_ kernel: String, words: [String]) -> Boot {
    Boot(kernel: kernel, hasLeaf: false, append: ["reboot=t"] + words)
  }
}
