// SPDX-License-Identifier: MIT

import Testing

@testable import BootHarness

/// What takes much time or memory: large trees, and the memory that `inspect` foretells.
@Suite struct GrowthProofTests {
  @Test func `200,000 files move`() async throws {
    // Half as many inodes as pages: the stock kernel needs this much, too.
    try await EmptyFiles(count: 200_000).expectMove(memory: 2048)
  }

  @Test func `a file of 3 GB moves in 4 GB of memory`() async throws {
    try await LargeFile(bytes: 3_221_225_473, sum: "8b9f122645c95657258e48060c9e06e7")
      .expectMove(memory: 4096)
  }

  @Test(
    .serialized,
    arguments: [
      MemoryCase(files: 40, bytes: 1 << 20),
      MemoryCase(files: 40, bytes: 1 << 20, option: "size=90%"),
      MemoryCase(files: 40, bytes: 1 << 20, isWrapped: true),
      MemoryCase(files: 3, bytes: 50_000_000),
      MemoryCase(files: 3, bytes: 50_000_000, option: "size=90%"),
      MemoryCase(files: 20_000, bytes: 100),
      // Here inodes are what is short, of which the kernel says nothing, and PID 1 does.
      MemoryCase(files: 20_000, bytes: 0, isWrapped: true),
      MemoryCase(files: 20_000, bytes: 5000, isWrapped: true),
    ])
  func `an image boots with 5 % more memory than inspect says, not with 5 % less`(
    image: MemoryCase
  ) async throws {
    try await image.expectPrediction()
  }
}
