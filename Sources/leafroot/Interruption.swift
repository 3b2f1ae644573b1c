// SPDX-License-Identifier: MIT

import ArgumentParser
import Dispatch
import Glibc
import Initramfs
import Synchronization

/// Runs a verb: what is wrong with a file becomes one line and the exit status `failure`; SIGINT,
/// SIGTERM and SIGHUP cancel the verb, so that temporary files and QEMU go before the process does.
func interruptible<Result: Sendable>(
  failure: Int32, _ verb: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  // The verb waits until signals are looked after: what it begins must not be left as it is.
  let (ready, isReady) = AsyncStream<Never>.makeStream()
  let task = Task {
    for await _ in ready {}
    return try await verb()
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
  } catch let error as FileError where !task.isCancelled {
    standardError("leafroot: \(error)\n")
    throw ExitCode(failure)
  } catch  where task.isCancelled {
    // The status that sh(1) gives for a process that a signal ended.
    throw ExitCode(128 + (received.signal.withLock { $0 } ?? SIGINT))
  }
}

/// Calls `body` on another thread for each SIGINT, SIGTERM and SIGHUP from now on.
///
/// The handler writes to a pipe, whichever thread it runs on. Dispatch's own source of signals
/// reads a signalfd(2), and loses one in twenty to the main thread, which does not block them.
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
  for number in [SIGINT, SIGTERM, SIGHUP] {
    signal(number) { number in
      let code = errno
      var byte = UInt8(number)
      _ = write(writeEnd, &byte, 1)
      errno = code
    }
  }
  return source
}

/// The end of the pipe that a signal's handler writes to; it gets no other context.
private nonisolated(unsafe) var writeEnd: Int32 = -1

/// The signal that cancelled a verb.
private final class Received: Sendable {
  let signal = Mutex<Int32?>(nil)
}
