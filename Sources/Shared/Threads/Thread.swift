// SPDX-License-Identifier: MIT

import CLinux

/// A thread of this process. pthread_create(3).
public final class Thread {
  private final class Body {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
  }

  #if DEBUG && !hasFeature(Embedded)
    /// A value that a thread inherits from the one that started it. For tests: Tree's `Faults`.
    @TaskLocal package static var inheritance: (any Sendable)?
  #endif

  private let thread: pthread_t

  /// Starts a thread that runs `body`; nil if the system has none left.
  public init?(_ body: @escaping () -> Void) {
    #if canImport(Glibc) || canImport(Musl)
      var thread = pthread_t()
    #else
      var thread: pthread_t? = nil
    #endif
    #if DEBUG && !hasFeature(Embedded)
      let inheritance = Thread.inheritance
      let body = Unmanaged.passRetained(
        Body { Thread.$inheritance.withValue(inheritance, operation: body) })
    #else
      let body = Unmanaged.passRetained(Body(body))
    #endif
    let result = pthread_create(
      &thread, nil,
      { body in
        Unmanaged<Body>.fromOpaque(body!).takeRetainedValue().run()
        return nil
      },
      body.toOpaque())
    guard result == 0 else {
      body.release()
      return nil
    }
    #if canImport(Glibc) || canImport(Musl)
      self.thread = thread
    #else
      self.thread = thread!
    #endif
  }

  /// Waits until the thread has ended. Call this once.
  public func join() { pthread_join(thread, nil) }
}
