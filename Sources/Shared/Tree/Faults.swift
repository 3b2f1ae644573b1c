// SPDX-License-Identifier: MIT

#if DEBUG && !hasFeature(Embedded)
  import Synchronization
  import Threads

  /// Makes one system call of a run fail. The only mock point; not in release builds.
  ///
  /// Each run has its own countdown, shared by the threads it starts. Other threads do not count.
  package final class Faults: Sendable {
    private let countdown = Atomic<Int>(Int.max)
    private let code = Atomic<Int32>(0)

    private init() {}

    private static var current: Faults? { Thread.inheritance as? Faults }

    /// Performs `body` as a run of its own.
    package static func run<Result>(_ body: () throws -> Result) rethrows -> Result {
      try Thread.$inheritance.withValue(Faults(), operation: body)
    }

    /// Makes the call that comes `calls` calls from now in this run fail once, with `code`.
    package static func fail(after calls: Int, with code: Int32) {
      guard let current else { preconditionFailure("no run") }
      current.code.store(code, ordering: .relaxed)
      current.countdown.store(calls, ordering: .sequentiallyConsistent)
    }

    /// Cancels the failure.
    /// - Returns: whether it had not happened yet.
    package static func disarm() -> Bool {
      guard let current else { preconditionFailure("no run") }
      return current.countdown.exchange(Int.max, ordering: .sequentiallyConsistent) >= 0
    }

    static func next() -> Int32? {
      guard let current else { return nil }
      let before = current.countdown.wrappingSubtract(1, ordering: .sequentiallyConsistent).oldValue
      return before == 0 ? current.code.load(ordering: .relaxed) : nil
    }
  }
#endif
