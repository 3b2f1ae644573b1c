// SPDX-License-Identifier: MIT

import Glibc
import Machines
import Synchronization

/// Shows progress on standard error: on a terminal in one line that is rewritten; otherwise as a
/// new line every ten seconds, if it differs from the last one.
final class ProgressLine: Sendable {
  private static let interval: Duration = .seconds(10)

  private struct State {
    /// When the next line is due.
    var next = ProgressLine.interval
    /// The last text shown, without the time.
    var last = ""
    var isShown = false
  }

  private let isTerminal: Bool
  private let write: @Sendable (String) -> Void
  private let state = Mutex(State())

  init(
    isTerminal: Bool = StandardStreams.errorIsTerminal,
    write: @escaping @Sendable (String) -> Void = standardError
  ) {
    self.isTerminal = isTerminal
    self.write = write
  }

  /// Announces a step.
  func begin(_ text: String) { write("leafroot: \(text)\n") }

  /// Shows one of a few steps: like progress on a terminal, otherwise as a new line.
  func step(_ text: String) {
    if isTerminal { update(text, after: .zero) } else { begin(text) }
  }

  /// Shows the progress of a machine, after `label`.
  func update(_ progress: Run.Progress, label: String = "") {
    update(
      progress.lastLine, after: progress.elapsed,
      label: "\(label)\(progress.elapsed.components.seconds) s  ")
  }

  /// Shows `text`, `elapsed` after the start, after `label`.
  func update(_ text: String, after elapsed: Duration, label: String = "") {
    if isTerminal {
      state.withLock { $0.isShown = true }
      write("\r\u{1B}[K\((label + text).prefix(columns - 1))")
      return
    }
    let isDue = state.withLock { state in
      guard elapsed >= state.next else { return false }
      state.next += ProgressLine.interval
      guard text != state.last else { return false }
      state.last = text
      return true
    }
    if isDue { write("leafroot: \(label)\(text)\n") }
  }

  /// Removes the line if it is shown.
  func end() {
    let wasShown = state.withLock { state in
      defer { state.isShown = false }
      return state.isShown
    }
    if wasShown { write("\r\u{1B}[K") }
  }

  /// The width of the terminal, ioctl_tty(2).
  private var columns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 1 else { return 80 }
    return Int(size.ws_col)
  }
}
