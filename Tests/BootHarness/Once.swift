// SPDX-License-Identifier: MIT

/// What takes a boot, and is made once for each name, however many tests want it.
actor Once<Value: Sendable> {
  private var tasks: [String: Task<Value, any Error>] = [:]

  func value(
    _ name: String, _ make: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let task = tasks[name] ?? Task { try await make() }
    tasks[name] = task
    return try await task.value
  }
}
