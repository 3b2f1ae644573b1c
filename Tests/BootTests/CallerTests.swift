// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import Testing

@testable import BootHarness

/// A kernel with CONFIG_PRINTK_CALLER=y, as SUSE's: each line of its log names who wrote it, before
/// the text. And a half-unpacked image where the kernel has made the leaf itself.
@Suite struct CallerTests {
  @Test func `a half-unpacked image in a leaf that is there already: last words`() async throws {
    let outcome = try await boot("rdinit=/leafroot", "nonroot_initramfs")

    #expect(outcome.verdict.outcome == .panicked, "\(outcome)")
    #expect(outcome.console.lines.contains { $0.contains(#/^\[ +T\d+\] /#) }, "\(outcome)")
    #expect(
      outcome.logs("the image is half unpacked, the boot stops. The kernel: Initramfs unpacking"),
      "\(outcome)")
    #expect(outcome.logs("/ is not full: the image is damaged"), "\(outcome)")
  }

  @Test func `a half-unpacked image in rootfs: last words`() async throws {
    let outcome = try await boot("rdinit=/prepare")

    #expect(outcome.verdict.outcome == .panicked, "\(outcome)")
    #expect(outcome.logs("the image is half unpacked, the boot stops"), "\(outcome)")
  }

  @Test func `twin: leafroot_partial=ok boots what there is, in that leaf`() async throws {
    let outcome = try await boot("rdinit=/leafroot", "nonroot_initramfs", "leafroot_partial=ok")

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.verdict.isHalfUnpacked, "\(outcome)")
    #expect(outcome.logs("the root is already a leaf, nothing to do"), "\(outcome)")
    #expect(outcome.logs("the image is half unpacked, the boot continues"), "\(outcome)")
  }

  @Test func `twin: without PID 1 half a tree boots`() async throws {
    let outcome = try await boot("nonroot_initramfs")

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.verdict.isHalfUnpacked, "\(outcome)")
  }

  private func boot(_ words: String...) async throws -> Outcome {
    var boot = Boot.userMode()
    try boot.tree.addProgram("leafroot")
    boot.tree.script("prepare", "exec /leafroot nonroot_initramfs")
    boot.append = ["rootfstype=tmpfs", "leafroot_init=/.leafroot-boot/init"] + words
    boot.images = [Boot.damagedImage]
    return try await boot.run("true")
  }
}
