// SPDX-License-Identifier: MIT

import Dispatch
import Glibc
import Synchronization

/// An operation was cancelled by a signal.
public struct Interrupted: Error {
  public let signal: Int32

  public init(signal: Int32) { self.signal = signal }

  /// The exit status that sh(1) reports for a process ended by this signal.
  public var status: Int32 { 128 + signal }
}

/// Runs an operation that SIGINT, SIGTERM, SIGHUP and SIGPIPE cancel, so that it can remove
/// temporary files and end QEMU before the process exits.
///
/// - Throws: the operation's error; ``Interrupted`` if it failed after such a signal.
public func interruptible<Result: Sendable>(
  _ operation: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  // The operation starts after the signal handlers: no signal may leave its files behind.
  let (ready, isReady) = AsyncStream<Never>.makeStream()
  let task = Task {
    for await _ in ready {}
    return try await operation()
  }
  let received = Received()
  let source = signalSource { number in
    received.signal.withLock { $0 = $0 ?? number }
    task.cancel()
  }
  defer { source.cancel() }
  isReady.finish()

  do {
    return try await task.value
  } catch  where task.isCancelled {
    throw Interrupted(signal: received.signal.withLock { $0 } ?? SIGINT)
  }
}

/// Calls `body` on another thread for each of these signals from now on.
///
/// The handler, on any thread, writes to a pipe. Dispatch's own signal source reads a signalfd(2)
/// and loses one signal in twenty to the main thread, which does not block them.
private func signalSource(
  _ body: @escaping @Sendable (Int32) -> Void
) -> any DispatchSourceRead {
  var ends: [Int32] = [-1, -1]
  precondition(pipe(&ends) == 0, "no pipe: error \(errno)")
  for end in ends {
    _ = fcntl(end, F_SETFD, FD_CLOEXEC)
    _ = fcntl(end, F_SETFL, O_NONBLOCK)
  }
  let readEnd = ends[0]
  writeEnd = ends[1]
  let source = DispatchSource.makeReadSource(fileDescriptor: readEnd, queue: .global())
  source.setEventHandler {
    var number: UInt8 = 0
    while read(readEnd, &number, 1) == 1 { body(Int32(number)) }
  }
  source.resume()
  // Not SIG_IGN, which QEMU would inherit.
  for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] {
    signal(number) { number in
      let code = errno
      var byte = UInt8(number)
      _ = write(writeEnd, &byte, 1)
      errno = code
    }
  }
  return source
}

/// The write end of the handler's pipe; global because a signal handler has no context.
private nonisolated(unsafe) var writeEnd: Int32 = -1

/// The signal that cancelled an operation, if any.
private final class Received: Sendable {
  let signal = Mutex<Int32?>(nil)
}
