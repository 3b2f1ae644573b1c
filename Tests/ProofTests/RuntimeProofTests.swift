// SPDX-License-Identifier: MIT

import Testing

@testable import BootHarness

/// Container runtimes on the kernels of `make kernel`, which make the leaf themselves.
@Suite struct RuntimeProofTests {
  private static let kernels = ["bzImage-6.12", "bzImage-6.1"]

  @Test(arguments: kernels)
  func `on a kernel of ours every runtime works`(kernel: String) async throws {
    let words = ["reboot=t", "nonroot_initramfs"]
    try await Runtimes.expectEach("ok", in: Boot(kernel: kernel, hasLeaf: false, append: words))
  }

  @Test(arguments: kernels)
  func `twin: without the word every one of them fails`(kernel: String) async throws {
    try await Runtimes.expectEach(
      "FAILED", in: Boot(kernel: kernel, hasLeaf: false, append: ["reboot=t"]))
  }
}
