// SPDX-License-Identifier: MIT

#if DEBUG && !hasFeature(Embedded)
  import Synchronization

  /// Makes one system call of a test run fail: the only mock point. Not in a release build.
  package enum Faults {
    private static let countdown = Atomic<Int>(Int.max)
    private static let code = Atomic<Int32>(0)

    /// Lets the call that comes `calls` calls from now fail with `code`, once.
    package static func fail(after calls: Int, with code: Int32) {
      self.code.store(code, ordering: .relaxed)
      countdown.store(calls, ordering: .sequentiallyConsistent)
    }

    /// Lets no call fail.
    /// - Returns: whether the failure had not happened yet.
    package static func disarm() -> Bool {
      countdown.exchange(Int.max, ordering: .sequentiallyConsistent) >= 0
    }

    static func next() -> Int32? {
      let before = countdown.wrappingSubtract(1, ordering: .sequentiallyConsistent).oldValue
      return before == 0 ? code.load(ordering: .relaxed) : nil
    }
  }
#endif
