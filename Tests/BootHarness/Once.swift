// SPDX-License-Identifier: MIT

/// Values that take a boot and are made once per name, however many tests use them.
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
