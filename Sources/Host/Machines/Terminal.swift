// SPDX-License-Identifier: MIT

import Glibc

/// The properties of the terminal on standard input, to be passed on to the guest's console.
public struct Terminal: Equatable, Sendable {
  /// The size of its window in characters; 0 if unknown.
  public var rows: UInt16
  public var columns: UInt16
  /// The value of `TERM`, environ(7); nil for the kernel's default, `linux`.
  public var type: String?

  /// Creates a terminal of this size and type.
  public init(rows: UInt16, columns: UInt16, type: String?) {
    self.rows = rows
    self.columns = columns
    self.type = type
  }

  /// The terminal on standard input; nil if that is not a terminal. ioctl_tty(2).
  public static var standardInput: Terminal? {
    guard isatty(STDIN_FILENO) == 1 else { return nil }
    var size = winsize()
    _ = ioctl(STDIN_FILENO, UInt(TIOCGWINSZ), &size)
    return Terminal(
      rows: size.ws_row, columns: size.ws_col, type: getenv("TERM").map { String(cString: $0) })
  }

  /// A `struct winsize` for the guest; all supported architectures are little-endian.
  var windowSize: [UInt8] {
    [rows, columns, 0, 0].flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
  }

  /// The kernel parameters that become PID 1's environment (init/main.c, `unknown_bootoption`).
  /// Empty if the type is not a valid terminfo(5) name: a blank would begin another parameter.
  var parameters: [String] {
    guard let type, !type.isEmpty, type.utf8.allSatisfy(Terminal.isNameByte) else { return [] }
    return ["TERM=\(type)"]
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
      UInt8(ascii: "."), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}

/// The terminal on standard input in raw mode: every key is passed on uninterpreted. The settings
/// are restored at the end. termios(3).
struct RawTerminal: ~Copyable {
  private var original = termios()

  init() {
    guard tcgetattr(STDIN_FILENO, &original) == 0 else { return }
    var raw = original
    cfmakeraw(&raw)
    tcsetattr(STDIN_FILENO, TCSANOW, &raw)
  }

  deinit {
    var original = original
    // Not TCSADRAIN: the terminal may have stopped its output.
    tcsetattr(STDIN_FILENO, TCSANOW, &original)
  }
}
