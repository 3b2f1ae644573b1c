// SPDX-License-Identifier: MIT

import Glibc
import SystemPackage

/// The properties of the three standard streams. Nothing else in the tool queries them.
enum StandardStreams {
  /// Whether standard output is a terminal.
  static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
  /// Whether standard error is a terminal.
  static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }
  /// Whether standard output may have colours. https://no-color.org
  static var outputHasColours: Bool {
    outputIsTerminal && (getenv("NO_COLOR").map { $0.pointee == 0 } ?? true)
  }

  /// Opens a file that can be neither read nor written for each closed stream. Otherwise the next
  /// opened file would get its number, and the report would be written into an image.
  static func fillGaps() {
    for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
    where fcntl(number, F_GETFD) < 0 && errno == EBADF {
      _ = open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }
}

/// Writes `text` to standard error. Failures are ignored: there is nowhere to report them.
func standardError(_ text: String) {
  _ = try? FileDescriptor.standardError.writeAll(text.utf8)
}
