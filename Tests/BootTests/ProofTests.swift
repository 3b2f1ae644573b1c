// SPDX-License-Identifier: MIT

import Testing

/// What takes longer than a test may: `make proof`.
@Suite struct ProofTests {
  @Test func `a file of 3 GB moves in 4 GB of memory`() async throws {
    try await LargeFile(bytes: 3_221_225_473, sum: "8b9f122645c95657258e48060c9e06e7")
      .expectMove(memory: 4096)
  }
}
