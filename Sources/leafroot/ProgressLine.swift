// SPDX-License-Identifier: MIT

import Glibc
import Machine
import Synchronization
import SystemPackage

/// Writes `text` to standard error.
func standardError(_ text: String) {
  _ = try? FileDescriptor.standardError.writeAll(text.utf8)
}

/// Shows on standard error how far something is: on a terminal one line that is rewritten,
/// else a line every ten seconds.
final class ProgressLine: Sendable {
  private static let interval: Duration = .seconds(10)

  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let next = Mutex(interval)
  private let isShown = Mutex(false)

  /// Says what begins.
  func begin(_ text: String) { standardError("leafroot: \(text)\n") }

  /// Shows how far the machine is.
  func update(_ progress: Run.Progress) {
    let text = "\(progress.elapsed.components.seconds) s  \(progress.lastLine)"
    update(text, after: progress.elapsed)
  }

  /// Shows `text`, so long after the beginning.
  func update(_ text: String, after elapsed: Duration) {
    if isTerminal {
      isShown.withLock { $0 = true }
      standardError("\r\u{1B}[K\(text.prefix(columns - 1))")
      return
    }
    let isDue = next.withLock { next in
      guard elapsed >= next else { return false }
      next += ProgressLine.interval
      return true
    }
    if isDue { standardError("leafroot: \(text)\n") }
  }

  /// Takes the line away, if there is one.
  func end() {
    isShown.withLock { isShown in
      if isShown { standardError("\r\u{1B}[K") }
      isShown = false
    }
  }

  /// The width of the terminal, ioctl_tty(2).
  private var columns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 1 else { return 80 }
    return Int(size.ws_col)
  }
}
