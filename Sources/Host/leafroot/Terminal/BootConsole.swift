// SPDX-License-Identifier: MIT

import Machines
import Synchronization

/// The output of a running boot: progress on standard error, the command's output on standard
/// output. Both may be the same terminal.
final class BootConsole: Sendable {
  private enum Cursor {
    /// Nothing has been printed.
    case nowhere
    case lineStart, insideLine
    /// A shell has the terminal.
    case shell
  }

  private let line: ProgressLine
  private let write: @Sendable ([UInt8]) throws -> Void
  private let cursor = Mutex(Cursor.nowhere)

  /// - Parameter write: Receives the bytes for standard output.
  init(
    _ line: ProgressLine = ProgressLine(),
    write: @escaping @Sendable ([UInt8]) throws -> Void = { try Output.print($0) }
  ) {
    self.line = line
    self.write = write
  }

  /// Announces a step.
  func begin(_ text: String) { line.begin(text) }

  /// Shows the progress unless that would overwrite a line of the command.
  func update(_ progress: Run.Progress) {
    cursor.withLock { cursor in
      if cursor != .insideLine, cursor != .shell { line.update(progress) }
    }
  }

  /// Prints a piece of the command's output.
  /// - Throws: ``FileError``.
  func print(_ bytes: [UInt8]) throws {
    guard let last = bytes.last else { return }
    try cursor.withLock { cursor in
      line.end()
      if cursor == .shell { return try write(bytes) }
      cursor = last == UInt8(ascii: "\n") ? .lineStart : .insideLine
      try write(bytes)
    }
  }

  /// Announces the shell, which gets the terminal; no more progress is shown.
  func beginShell(_ check: Check) {
    cursor.withLock { cursor in
      line.end()
      cursor = .shell
    }
    let outcome: Verdict.Outcome = check.asPromised ? .asPromised : .notAsPromised
    standardError(
      """
      leafroot: \(outcome.rawValue)
      leafroot: exit leaves this shell, Ctrl-] three times stops the machine

      """)
  }

  /// Prints `text` on lines of its own, after an empty line if there was other output.
  /// - Throws: ``FileError``.
  func finish(_ text: String) throws {
    try cursor.withLock { cursor in
      line.end()
      let separator =
        switch cursor {
        case .nowhere: ""
        case .lineStart, .shell: "\n"
        case .insideLine: "\n\n"
        }
      try write(Array("\(separator)\(text)\n".utf8))
      cursor = .lineStart
    }
  }

  /// Removes the progress line.
  func end() { line.end() }
}
