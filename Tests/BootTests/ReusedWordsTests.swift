// SPDX-License-Identifier: MIT

import Machines
import OddImages
import Packing
import Testing

@testable import BootHarness

/// kexec and kdump hand the command line of a wrapped image to an image that is not:
/// Documentation/guides/kdump-and-kexec.md.
@Suite struct ReusedWordsTests {
  /// What the console has after a boot of an image with an `/init` and no `/leafroot`.
  private func console(_ kernel: String, _ words: [String]) async throws -> String {
    var boot = Boot(kernel: kernel, isChecked: false, append: words)
    boot.image = archive([.file("init", "", 0o755).with { $0.data = try! bytes(of: Place.census) }])
    return try await boot.run().console.text
  }

  @Test(arguments: StockKernel.sample + StockKernel.leaf)
  func `with rdinit=/init behind the words, the image's own init starts`(kernel: StockKernel)
    async throws
  {
    let text = try await console(kernel.name, [KernelParameters.leaf, KernelParameters.plain])
    #expect(text.contains("@census end"), "\(text.suffix(2000))")
  }

  @Test func `twin: with the words alone, the kernel does not look at it`() async throws {
    let text = try await console("6.12-x86_64", [KernelParameters.leaf])
    #expect(!text.contains("@census end"))
    #expect(text.contains("Unable to mount root fs"), "\(text.suffix(2000))")
  }
}
