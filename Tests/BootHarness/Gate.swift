// SPDX-License-Identifier: MIT

import Foundation

/// Admits as many machines as there are processors: more would only slow each other down.
///
/// Admitted tasks have priority over tests that wait to run: they mostly wait for a machine, which
/// would otherwise stay idle until hundreds of tests have ended.
actor Gate {
  static let shared = Gate()

  private var free = ProcessInfo.processInfo.activeProcessorCount
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// Runs `body` once a machine may be started.
  nonisolated func pass<Result: Sendable>(
    _ body: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    let entered = Task(priority: .high) {
      await enter()
      do {
        let result = try await body()
        await leave()
        return result
      } catch {
        await leave()
        throw error
      }
    }
    return try await entered.value
  }

  private func enter() async {
    if free > 0 {
      free -= 1
    } else {
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  private func leave() {
    if waiting.isEmpty {
      free += 1
    } else {
      waiting.removeFirst().resume()
    }
  }
}
