// SPDX-License-Identifier: MIT

import Leaf
public import SystemPackage

/// The result of a boot, read from its console.
public struct Verdict: Codable, Equatable, Sendable {
  /// How the boot went.
  public enum Outcome: String, Codable, Sendable {
    /// `/` is a leaf, pivot_root works, and rootfs is empty and sealed.
    case asPromised = "as promised"
    /// The check ran and found something else.
    case notAsPromised = "not as promised"
    /// The kernel panicked before the check, or PID 1 ended.
    case panicked = "kernel panic"
    /// The machine was killed before the check.
    case timedOut = "timed out"
    /// The machine ended without a check.
    case unchecked = "no check"
  }

  /// The result of the command that ran after the check.
  public struct Command: Codable, CustomStringConvertible, Equatable, Sendable {
    /// Its exit status; nil if the machine ended first.
    public var status: Int?
    /// What it printed.
    public var output: String

    /// Creates the result of a command that printed `output` and exited with `status`.
    public init(status: Int?, output: String) {
      self.status = status
      self.output = output
    }

    /// How it ended: `exit 1`.
    public var description: String { status.map { "exit \($0)" } ?? "did not exit" }
  }

  /// How the boot went.
  public var outcome: Outcome
  /// The result of the check; nil if it did not run.
  public var check: Check?
  /// The command; nil if none started.
  public var command: Command?
  /// Whether the kernel unpacked the image only in part.
  public var isHalfUnpacked: Bool
  /// LeafRoot's messages in the kernel's log and on the console.
  public var logged: [String]
  /// The last lines of the console, if the boot did not reach the check.
  public var lastWords: [String]
  /// The seconds of host time that the machine ran.
  public var seconds: Double
  /// The exit status of `leafroot boot`: 0, 1, 2 or 3.
  public private(set) var exitStatus: Int32
  /// What executed the guest; nil if only its console is known.
  public private(set) var accelerator: Machine.Accelerator?
  /// The directory of the run, the log, and the command that boots the same machine on a terminal,
  /// if they are kept; see ``keep(_:of:)``.
  public private(set) var directory: String?
  public private(set) var log: String?
  public private(set) var replay: String?

  /// The maximum number of lines in ``lastWords``.
  private static let lastWordCount = 8

  /// Reads the verdict from the console of a run.
  public init(_ run: Run) {
    self.init(run.console, ending: run.ending, elapsed: run.elapsed)
    accelerator = run.accelerator
  }

  /// Reads the verdict from a console.
  public init(_ console: Console, ending: Run.Ending, elapsed: Duration = .zero) {
    check = console.check
    command = console.command
    isHalfUnpacked = console.lines.contains { $0.contains("Initramfs unpacking failed") }
    logged = console.lines.compactMap(Verdict.ownMessage).reduce(into: []) { known, message in
      // The kernel may have printed the message on the console too.
      if !known.contains(message) { known.append(message) }
    }
    seconds = elapsed / .seconds(1)

    if let check {
      outcome = check.asPromised ? .asPromised : .notAsPromised
    } else if console.lines.contains(where: { $0.contains("Kernel panic - not syncing") }) {
      outcome = .panicked
    } else {
      outcome = ending == .timedOut ? .timedOut : .unchecked
    }
    exitStatus =
      switch outcome {
      case .panicked, .timedOut, .unchecked: 2
      case .notAsPromised: 1
      case .asPromised: command.map { $0.status == 0 ? 0 : 3 } ?? 0
      }
    lastWords = check == nil ? Verdict.lastWords(console) : []
  }

  /// Whether the kernel unpacked the whole image and the check ran, whatever its result.
  public var reachedCheckWhole: Bool { check != nil && !isHalfUnpacked }

  /// Records which files of `run` are kept: all those in `directory`, or only the log.
  public mutating func keep(_ directory: FilePath?, of run: Run) {
    self.directory = directory?.string
    log = run.log.string
    replay = directory.map { _ in run.replay }
  }

  /// The message in `line` if it is LeafRoot's, without the kernel's time stamp.
  ///
  /// The guest also reports messages that `quiet` keeps off the console.
  private static func ownMessage(_ line: String) -> String? {
    if let reported = line.firstRange(of: GuestReport.log) {
      return String(line[reported.upperBound...])
    }
    // The prefix of the patch that LeafRoot began with, unchanged.
    for mark in [Vocabulary.logPrefix, Vocabulary.failurePrefix] {
      guard let range = line.firstRange(of: "\(mark)") else { continue }
      let before = line[..<range.lowerBound]
      if before.isEmpty || before.hasPrefix("[") { return String(line[range.lowerBound...]) }
    }
    return nil
  }

  /// The lines up to the panic, if there is one; otherwise the last lines.
  private static func lastWords(_ console: Console) -> [String] {
    let lines = console.lines.filter { line in !line.allSatisfy(\.isWhitespace) }
    if let panic = lines.firstIndex(where: { $0.contains("Kernel panic - not syncing") }) {
      return lines[...panic].suffix(lastWordCount)
    }
    return lines.suffix(lastWordCount)
  }
}
