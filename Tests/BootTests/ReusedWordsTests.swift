// SPDX-License-Identifier: MIT

import Foundation
import Machines
import OddImages
import Packing
import SystemPackage
import Testing

@testable import BootHarness

/// kexec and kdump hand the command line of a wrapped image to an image that is not:
/// Documentation/guides/kdump-and-kexec.md.
@Suite struct ReusedWordsTests {
  /// What the console has after a boot of an image with an `/init` and no `/leafroot`.
  private func console(_ kernel: String, _ words: [String]) async throws -> String {
    try await Gate.shared.pass {
      let directory = try RunDirectory.temporary()
      defer { directory.remove() }
      let image = archive([.file("init", "", 0o755).with { $0.data = try! bytes(of: Place.census) }]
      )
      try Data(image).write(to: URL(filePath: directory.initrd.string))
      let machine = Machine(
        kernel: try Kernel(Place.kernel(kernel)), initrd: directory.initrd, parameters: words)
      return try await machine.run(log: directory.log).console.text
    }
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
