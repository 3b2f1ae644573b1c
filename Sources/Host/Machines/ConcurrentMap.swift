// SPDX-License-Identifier: MIT

extension Array where Element: Sendable {
  /// Calls `body`, which may boot a machine, for each element, at most `limit` at a time.
  ///
  /// - Returns: The results, in the order of the elements.
  /// - Throws: The first error of `body`; the other calls are then cancelled.
  public func concurrentMap<Output: Sendable>(
    atMost limit: Int, _ body: @escaping @Sendable (Element) async throws -> Output
  ) async throws -> [Output] {
    try await withThrowingTaskGroup(of: (Int, Output).self) { group in
      var outputs = [Output?](repeating: nil, count: count)
      for (index, element) in enumerated() {
        if index >= limit, let (done, output) = try await group.next() { outputs[done] = output }
        group.addTask { (index, try await body(element)) }
      }
      for try await (done, output) in group { outputs[done] = output }
      return outputs.compactMap(\.self)
    }
  }
}
