// SPDX-License-Identifier: MIT

import Foundation
import Machines
import SystemPackage
import Testing

/// Each system call of PID 1 fails in turn, in a real boot: the leaf is made all the same, or the
/// boot goes on in rootfs with the tree intact, or it stops with last words.
@Suite struct SystemCallFailureTests {
  /// Every so many calls: a few dozen boots.
  @Test(arguments: [(Bringing.moved, 19), (.packed, 89), (.nested, 181)])
  func `whatever system call of PID 1 fails, nothing is lost, and no boot ends in silence`(
    bringing: Bringing, step: Int
  ) async throws {
    let boot = try await FailingBoot(bringing)
    defer { boot.remove() }
    try #require(boot.calls > 200)
    let failures = stride(from: 1, through: boot.calls, by: step).map {
      SystemCallFailure(number: $0, error: $0.isMultiple(of: 2) ? .inputOutput : .noMemory)
    }
    let rows = try await boot.rows(failures)

    expectUnbroken(rows)
    #expect(rows.contains { $0.ending == .asPromised })
    #expect(rows.contains { $0.ending.hasLine })
    #expect(bringing != .moved || rows.contains { $0.ending.isFallback })
  }

  @Test func `twin: a panic without a line, and a boot without a check, are no such ends`() {
    #expect(isBroken(["Kernel panic - not syncing: Attempted to kill init!"]))
    #expect(isBroken([""]))
    #expect(
      !isBroken(["leafroot: out of memory, the boot stops", "Kernel panic - not syncing: x"]))
  }

  @Test(arguments: [
    (Bringing.moved, "busybox touch /deep"), (.moved, "busybox chmod 700 /deep/er"),
    (.moved, "busybox rm /links/one"), (.moved, "echo x >> /large"),
    (.packed, "busybox rm /links/one"), (.nested, "echo x >> /large"),
  ])
  func `twin: a tree that has changed is none, either`(
    bringing: Bringing, change: String
  ) async throws {
    let boot = try await FailingBoot(bringing)
    defer { boot.remove() }
    let row = try await boot.row(SystemCallFailure(number: 0, error: .inputOutput), after: change)

    guard case .broken(let reason) = row.ending else {
      Issue.record("\(row.text)")
      return
    }
    #expect(reason.hasPrefix("another tree: "))
  }

  private func isBroken(_ lines: [String]) -> Bool {
    let console = Console(Array(lines.joined(separator: "\n").utf8))
    let outcome = Outcome(verdict: Verdict(console, ending: .byGuest), console: console)
    guard case .broken = FailingBoot.ending(of: outcome, .moved, stock: []) else { return false }
    return true
  }
}

/// The whole tables: build/system-calls-*.txt.
@Suite(.serialized) struct SystemCallFailureProofTests {
  @Test(arguments: Bringing.allCases)
  func `whatever system call of PID 1 fails, once or for good, there is no fourth end`(
    bringing: Bringing
  ) async throws {
    let boot = try await FailingBoot(bringing)
    defer { boot.remove() }
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

private func expectUnbroken(_ rows: [SystemCallFailure.Row]) {
  for row in rows {
    if case .broken = row.ending { Issue.record("\(row.text)") }
  }
}
