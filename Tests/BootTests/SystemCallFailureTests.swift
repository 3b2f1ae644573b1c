// SPDX-License-Identifier: MIT

import Machines
import Testing

@testable import BootHarness

/// Each system call of PID 1 fails in turn, in a real boot: the leaf is made all the same, or the
/// boot goes on in rootfs with the tree intact, or it stops with last words.
@Suite struct SystemCallFailureTests {
  /// Every so many calls: some forty boots. `make proof` has each call fail.
  @Test(arguments: [(Bringing.moved, 31), (.packed, 109), (.nested, 181), (.squashed, 149)])
  func `whatever system call of PID 1 fails, nothing is lost, and no boot ends in silence`(
    bringing: Bringing, step: Int
  ) async throws {
    let boot = try await FailingBoot(bringing)
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
