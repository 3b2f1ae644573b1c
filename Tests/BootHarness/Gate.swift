// SPDX-License-Identifier: MIT

import Foundation

/// Lets in as many machines as there are processors: more would only slow each other down.
///
/// What is inside goes before the tests that are waiting to run: it mostly waits for a machine, which
/// would otherwise be idle until hundreds of them have ended.
actor Gate {
  static let shared = Gate()

  private var free = ProcessInfo.processInfo.activeProcessorCount
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// Runs `body` when there is room for it.
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
