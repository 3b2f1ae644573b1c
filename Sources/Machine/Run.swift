// SPDX-License-Identifier: MIT

import Files
import Initramfs
import Subprocess
public import SystemPackage

/// The result of running a machine.
public struct Run: Sendable {
  /// How it ended.
  public enum Ending: Equatable, Sendable {
    /// The guest restarted or powered off.
    case byGuest
    /// It was killed after its ``Machine/timeout``.
    case timedOut
  }

  /// What it printed.
  public let console: Console
  /// How it ended.
  public let ending: Ending
  /// How long it ran, in host time.
  public let elapsed: Duration
  /// The file that keeps ``console``.
  public let log: FilePath
  /// What executed the guest.
  public let accelerator: Machine.Accelerator
  /// The command that boots the same machine on a terminal.
  public let replay: String

  /// The progress of a machine.
  public struct Progress: Sendable {
    /// How long it has been running.
    public let elapsed: Duration
    /// The last line on its console that is not empty.
    public let lastLine: String
  }
}

extension Machine {
  /// Runs the machine and waits until it ends.
  ///
  /// If the task is cancelled, QEMU is killed before this returns.
  /// - Parameters:
  ///   - log: Receives the console, without escape sequences, and is kept.
  ///   - accelerator: nil for the best one that can run this guest.
  ///   - onProgress: Called about four times a second.
  /// - Throws: ``FileError`` if QEMU is missing or fails, or `log` cannot be written;
  ///   `CancellationError`.
  public func run(
    log: FilePath, accelerator: Accelerator? = nil,
    onProgress: @escaping @Sendable (Run.Progress) -> Void = { _ in }
  ) async throws -> Run {
    if let accelerator { return try await run(accelerator, log, onProgress) }
    if countsInstructions { return try await run(.tcg, log, onProgress) }
    do {
      return try await run(await .best(for: kernel.architecture), log, onProgress)
    } catch is QEMU.KVMFailed {
      Accelerator.avoidKVM()
      return try await run(.tcg, log, onProgress)
    }
  }

  private func run(
    _ accelerator: Accelerator, _ log: FilePath,
    _ onProgress: @escaping @Sendable (Run.Progress) -> Void
  ) async throws -> Run {
    let arguments = arguments(accelerator: accelerator, serial: .file(log))

    // QEMU truncates it too, but only once it has started.
    try FileError.naming(log, cannot: "create") {
      try FileDescriptor.open(
        log, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite
      ).close()
    }

    let clock = ContinuousClock()
    let start = clock.now
    // The first task to end decides. Leaving the group cancels the others, and a cancelled
    // subprocess is killed.
    let ending = try await withThrowingTaskGroup(of: Run.Ending.self) { group in
      group.addTask {
        try await QEMU.run(program, arguments)
        return .byGuest
      }
      group.addTask {
        try await clock.sleep(for: timeout)
        return .timedOut
      }
      group.addTask {
        var tail = ConsoleTail(log)
        while true {
          try await clock.sleep(for: .milliseconds(250))
          onProgress(Run.Progress(elapsed: clock.now - start, lastLine: tail.lastLine()))
        }
      }
      defer { group.cancelAll() }
      return try await group.next() ?? .byGuest
    }

    let console = try Console(cleaning: log)
    return Run(
      console: console, ending: ending, elapsed: clock.now - start, log: log,
      accelerator: accelerator, replay: replay(accelerator: accelerator))
  }
}
