// SPDX-License-Identifier: MIT

import Dispatch
public import Files
import Glibc
import Synchronization
import SystemPackage

/// Connects the terminal on standard input and a machine's console while the command runs there.
///
/// QEMU's `pipe` is two FIFOs, `PATH.in` and `PATH.out`.
public final class ConsoleRelay: Sendable {
  private struct State {
    var hasStarted = false
    var isEnding = false
  }

  /// The path for QEMU, without the suffixes.
  let pipe: FilePath
  private let onStart: @Sendable (Check) -> Void
  private let state = Mutex(State())

  /// Makes the FIFOs in `directory`; they are removed with this object. mkfifo(3).
  /// - Parameter onStart: Called when the command starts, before the terminal changes.
  /// - Throws: ``FileError``.
  public init(
    in directory: RunDirectory, onStart: @escaping @Sendable (Check) -> Void
  ) throws(FileError) {
    pipe = directory.console
    self.onStart = onStart
    for path in [fifo("in"), fifo("out")] {
      guard path.withPlatformString({ mkfifo($0, 0o600) }) == 0 else {
        throw FileError(path, cannot: "create", Errno(rawValue: errno))
      }
    }
  }

  deinit {
    for path in [fifo("in"), fifo("out")] { _ = path.withPlatformString { unlink($0) } }
  }

  private func fifo(_ suffix: String) -> FilePath { FilePath("\(pipe).\(suffix)") }

  /// Whether the command has started.
  var hasStarted: Bool { state.withLock { $0.hasStarted } }

  /// Relays until the task is cancelled, then passes on what the machine has printed by then.
  ///
  /// The terminal's settings are restored before this returns.
  /// - Parameter onOutput: Called with what the command prints, unchanged.
  /// - Throws: ``FileError``; what `onOutput` throws; `CancellationError`.
  func run(_ onOutput: @escaping @Sendable ([UInt8]) throws -> Void) async throws -> Never {
    state.withLock { $0 = State() }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        // poll(2) would block a thread of the tasks' shared pool.
        DispatchQueue(label: "console").async {
          continuation.resume(with: Result { try self.relay(onOutput) })
        }
      }
    } onCancel: {
      state.withLock { $0.isEnding = true }
    }
    throw CancellationError()
  }

  private func relay(_ onOutput: @escaping @Sendable ([UInt8]) throws -> Void) throws {
    // Opened for both directions, so that opening does not block and there is no end of file.
    let input = try FileError.naming(fifo("in"), cannot: "open") {
      try FileDescriptor.open(fifo("in"), .readWrite, options: [.nonBlocking, .closeOnExec])
    }
    defer { try? input.close() }
    let output = try FileError.naming(fifo("out"), cannot: "open") {
      try FileDescriptor.open(fifo("out"), .readWrite, options: [.nonBlocking, .closeOnExec])
    }
    defer { try? output.close() }

    var relay = TerminalRelay(input: input, output: output, onOutput: onOutput) { check in
      self.onStart(check)
      self.state.withLock { $0.hasStarted = true }
    }
    while !state.withLock({ $0.isEnding }) { try relay.goOn() }
    try relay.finish()
  }
}
