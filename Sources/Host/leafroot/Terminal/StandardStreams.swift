// SPDX-License-Identifier: MIT

import Glibc
import SystemPackage

/// What is known about the three files that a process starts with. Asked here and nowhere else.
enum StandardStreams {
  /// A person reads standard output.
  static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
  /// A person reads standard error.
  static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }
  /// Standard output may have colours. https://no-color.org
  static var outputHasColours: Bool {
    outputIsTerminal && (getenv("NO_COLOR").map { $0.pointee == 0 } ?? true)
  }

  /// Puts a file that can be neither read nor written in the place of each one that is closed.
  /// Otherwise the next file that is opened would get its number, and the report would be written
  /// into an image.
  static func fillGaps() {
    for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
    where fcntl(number, F_GETFD) < 0 && errno == EBADF {
      _ = open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }
}

/// Writes `text` to standard error. That it cannot be written is no failure: nobody could be told.
func standardError(_ text: String) {
  _ = try? FileDescriptor.standardError.writeAll(text.utf8)
}
