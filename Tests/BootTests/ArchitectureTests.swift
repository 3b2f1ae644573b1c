// SPDX-License-Identifier: MIT

import Testing

@Suite struct ArchitectureTests {
  @Test func `on aarch64 the promise holds as well`() async throws {
    let outcome = try await Boot(kernel: "6.1-aarch64").run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
  }

  @Test func `on aarch64, twin: as the kernel boots it, pivot_root gives EINVAL`() async throws {
    let outcome = try await Boot(kernel: "6.1-aarch64", hasLeaf: false).run()

    #expect(outcome.check?.pivotRoot == "EINVAL", "\(outcome)")
  }
}
