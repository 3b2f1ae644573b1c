// SPDX-License-Identifier: MIT

import Files
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

  /// The console's content.
  public let console: Console
  /// How it ended.
  public let ending: Ending
  /// How long it ran, in host time.
  public let elapsed: Duration
  /// The file with ``console``.
  public let log: FilePath
  /// What executed the guest.
  public let accelerator: Machine.Accelerator
  /// The command that boots the same machine on a terminal.
  public let replay: String

  /// The progress of a machine.
  public struct Progress: Sendable {
    /// How long it has been running.
    public let elapsed: Duration
    /// The last nonempty line on its console.
    public let lastLine: String
  }
}

/// Passes on the output of a running machine.
private actor Follower {
  private var tail: ConsoleTail
  private let start = ContinuousClock.now
  private let onOutput: @Sendable ([UInt8]) throws -> Void
  private let onProgress: @Sendable (Run.Progress) -> Void

  init(
    _ log: FilePath, _ onOutput: @escaping @Sendable ([UInt8]) throws -> Void,
    _ onProgress: @escaping @Sendable (Run.Progress) -> Void
  ) {
    tail = ConsoleTail(log)
    self.onOutput = onOutput
    self.onProgress = onProgress
  }

  /// Follows the log until the task is cancelled.
  func follow() async throws -> Never {
    while true {
      try await Task.sleep(for: .milliseconds(250))
      try pass(tail.read())
      onProgress(Run.Progress(elapsed: .now - start, lastLine: tail.lastLine))
    }
  }

  /// Passes on the rest once the machine has ended, and cleans the log.
  func finish() throws -> Console {
    try pass(tail.finish())
    return try tail.cleaned()
  }

  private func pass(_ output: [UInt8]) throws {
    if !output.isEmpty { try onOutput(output) }
  }
}

extension Machine {
  /// Runs the machine and waits until it ends.
  ///
  /// If the task is cancelled, QEMU is killed before this returns.
  /// - Parameters:
  ///   - log: The file for the console, without escape sequences; it is kept.
  ///   - accelerator: nil for the best one that can run this guest.
  ///   - relay: Connects the terminal on standard input with the console while the command runs;
  ///     ``timeout`` does not apply during that time.
  ///   - onOutput: Called with the command's output as it arrives; unfiltered if there is a relay.
  ///     If KVM fails, the machine, and with it the command, starts again.
  ///   - onProgress: Called about four times a second.
  /// - Throws: ``FileError`` if QEMU is missing or fails, or `log` cannot be written; what
  ///   `onOutput` throws; `CancellationError`.
  public func run(
    log: FilePath, accelerator: Accelerator? = nil, relay: ConsoleRelay? = nil,
    onOutput: @escaping @Sendable ([UInt8]) throws -> Void = { _ in },
    onProgress: @escaping @Sendable (Run.Progress) -> Void = { _ in }
  ) async throws -> Run {
    func run(_ accelerator: Accelerator) async throws -> Run {
      try await self.run(accelerator, log, relay, onOutput, onProgress)
    }
    if let accelerator { return try await run(accelerator) }
    if countsInstructions { return try await run(.tcg) }
    do {
      return try await run(await .best(for: kernel.architecture))
    } catch is QEMU.KVMFailed {
      Accelerator.avoidKVM()
      return try await run(.tcg)
    }
  }

  private func run(
    _ accelerator: Accelerator, _ log: FilePath, _ relay: ConsoleRelay?,
    _ onOutput: @escaping @Sendable ([UInt8]) throws -> Void,
    _ onProgress: @escaping @Sendable (Run.Progress) -> Void
  ) async throws -> Run {
    let arguments = arguments(
      accelerator: accelerator, serial: relay.map { .pipe($0.pipe, log: log) } ?? .file(log))
    let follower = Follower(log, relay == nil ? onOutput : { @Sendable _ in }, onProgress)

    // QEMU truncates it too, but only after it has started.
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
        repeat {
          try await clock.sleep(for: timeout)
        } while relay?.hasStarted ?? false
        return .timedOut
      }
      group.addTask { try await follower.follow() }
      if let relay {
        group.addTask { try await relay.run(onOutput) }
      }
      defer { group.cancelAll() }
      return try await group.next() ?? .byGuest
    }

    return Run(
      console: try await follower.finish(), ending: ending, elapsed: clock.now - start, log: log,
      accelerator: accelerator, replay: replay(accelerator: accelerator))
  }
}
