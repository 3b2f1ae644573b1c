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
  let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
    // A handler that does nothing, not SIG_IGN: QEMU would inherit that.
    signal(number) { _ in }
    let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    source.setEventHandler {
      received.signal.withLock { $0 = $0 ?? number }
      task.cancel()
    }
    source.resume()
    return source
  }
  defer { for source in sources { source.cancel() } }
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

/// The signal that cancelled a verb.
private final class Received: Sendable {
  let signal = Mutex<Int32?>(nil)
}
