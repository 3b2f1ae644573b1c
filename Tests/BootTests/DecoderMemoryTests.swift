// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import OddImages
import Packing
import Testing

@testable import BootHarness

/// A nested image whose decoder takes much memory: `xz -9` has a dictionary of 64 MiB.
@Suite struct DecoderMemoryTests {
  private func boot(_ memory: Int) async throws -> Outcome {
    var tree = GuestTree.bare
    tree.file("large", [UInt8](repeating: 7, count: 70 << 20))
    var boot = Boot(nester: Nester())
    boot.images = [try Compressor.xz.compress(tree.image, "-9")]
    boot.packsImages = true
    (boot.memory, boot.isAbridged) = (memory, false)
    return try await boot.run()
  }

  @Test func `memory for the tree alone is too little, and the words say so at once`() async throws
  {
    let outcome = try await boot(200)

    #expect(outcome.verdict.outcome == .panicked, "\(outcome)")
    #expect(outcome.logs("too little memory to unpack the payload, the boot stops"), "\(outcome)")
    #expect(outcome.logs(" more memory"), "\(outcome)")
  }

  @Test func `twin: with more it is unpacked`() async throws {
    let outcome = try await boot(256)

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.logs("unpacked "), "\(outcome)")
  }
}
