// SPDX-License-Identifier: MIT

import Foundation
import SystemPackage
import Testing

@testable import BootHarness

/// The whole tables of SystemCallFailureTests: build/system-calls-*.txt.
@Suite(.serialized) struct SystemCallFailureProofTests {
  @Test(arguments: Bringing.allCases)
  func `whatever system call of PID 1 fails, once or for good, there is no fourth end`(
    bringing: Bringing
  ) async throws {
    let boot = try await FailingBoot(bringing)
    try #require(boot.calls > 200)
    var failures: [SystemCallFailure] = []
    for error in [SystemCallFailure.Error.inputOutput, .noMemory] {
      failures += (1...boot.calls).map { SystemCallFailure(number: $0, error: error) }
    }
    var rows = try await boot.rows(failures)

    // For good: from the first call of each kind on.
    var kinds: Set<String> = []
    let first = rows.filter { row in row.call.map { kinds.insert($0).inserted } ?? false }
    rows += try await boot.rows(
      first.map {
        SystemCallFailure(number: $0.failure.number, error: .inputOutput, isLasting: true)
      })

    let text = rows.map { $0.text + "\n" }.joined()
    let table = Place.root.appending("build/system-calls-\(bringing).txt")
    try text.write(to: URL(filePath: table.string), atomically: true, encoding: .utf8)
    // Without write(2), the unpacker, which needs it, cannot say why it stops.
    expectUnbroken(
      rows.filter { bringing == .moved || !$0.failure.isLasting || $0.call != "write" })
    // PID 1 makes a call for each kernel thread, and their number differs by a few.
    #expect(rows.allSatisfy { $0.call != nil || $0.failure.number > boot.calls - 10 })
  }
}
