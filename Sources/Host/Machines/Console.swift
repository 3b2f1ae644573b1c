// SPDX-License-Identifier: MIT

/// What a machine printed on its serial console, without escape sequences.
public struct Console: Equatable, Sendable {
  /// The lines, without their ends.
  public let lines: [String]
  /// The result of the guest's check; nil if it did not run.
  let check: Check?
  /// The command that ran after the check; nil if it did not start.
  let command: Verdict.Command?

  /// Parses `bytes` from a serial port.
  ///
  /// Bytes that are not UTF-8 become U+FFFD.
  public init(_ bytes: some Sequence<UInt8>) {
    var reader = ConsoleReader()
    _ = reader.take(bytes)
    _ = reader.finish()
    self = reader.console
  }

  init(lines: [String], check: Check?, command: Verdict.Command?) {
    self.lines = lines
    self.check = check
    self.command = command
  }

  /// All lines in one string.
  public var text: String { lines.joined(separator: "\n") }
}

/// Reads a console as it is written: its text, the guest's reports and the command's output.
struct ConsoleReader {
  private var filter = EscapeFilter()
  private var text: [UInt8] = []
  /// The index at which the last line to show begins.
  private var lastStart = 0
  private var report = GuestReport()
  private var output: [UInt8] = []

  /// The last nonempty line so far, except those of the guest's reports and of the command.
  private(set) var lastLine = ""

  /// Reads more bytes, and returns the command's output in them.
  mutating func take(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    let plain = filter.plain(bytes)
    text += plain
    let printed = report.take(plain)
    output += printed
    if report.hasStarted {
      lastLine = report.hasEnded ? "the command ended" : "running the command"
    } else {
      findLastLine()
    }
    return printed
  }

  /// Returns the rest of the command's output once the machine has ended.
  mutating func finish() -> [UInt8] {
    let printed = report.finish()
    output += printed
    return printed
  }

  /// The console read so far.
  var console: Console {
    let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    return Console(
      lines: lines.map { String(decoding: $0, as: UTF8.self) }, check: report.check,
      command: report.hasStarted ? command : nil)
  }

  private var command: Verdict.Command {
    let printed = report.isLineUnfinished ? output.dropLast() : output[...]
    return Verdict.Command(
      status: report.status, output: String(decoding: printed, as: UTF8.self))
  }

  /// The last line may be incomplete; it is then read again.
  private mutating func findLastLine() {
    let lines = text[lastStart...]
      .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for line in lines {
      let line = String(decoding: line, as: UTF8.self)
      if !line.isEmpty, !line.contains(GuestReport.prefix), !GuestReport.prefix.hasPrefix(line) {
        lastLine = line
      }
    }
    lastStart = lines.last?.startIndex ?? text.endIndex
  }
}

/// Removes terminal escape sequences and carriage returns from a stream of bytes.
///
/// Firmware and systemd send them. Source: ECMA-48; console_codes(4).
struct EscapeFilter {
  private enum State {
    case text, escape, control, string, stringEscape, character
  }

  private var state = State.text

  /// Returns the text in `stream`; an escape sequence may continue in the next call.
  mutating func plain(_ stream: some Sequence<UInt8>) -> [UInt8] {
    var text: [UInt8] = []
    for byte in stream where takes(byte) { text.append(byte) }
    return text
  }

  private mutating func takes(_ byte: UInt8) -> Bool {
    switch state {
    case .text:
      if byte == 0x1B {
        state = .escape
        return false
      }
      return byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\t")
        || byte >= 0x20 && byte != 0x7F
    case .escape:
      switch byte {
      case UInt8(ascii: "["): state = .control
      case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "_"), UInt8(ascii: "^"):
        state = .string
      case 0x20...0x2F: state = .character
      default: state = .text
      }
    case .control:
      // Parameters and intermediates are 0x20 to 0x3f; the final byte is above. A line end means
      // that the sequence was cut off.
      if byte == UInt8(ascii: "\n") {
        state = .text
        return true
      }
      if (0x40...0x7E).contains(byte) { state = .text }
    case .string:
      if byte == 0x07 || byte == UInt8(ascii: "\n") { state = .text }
      if byte == 0x1B { state = .stringEscape }
    case .stringEscape, .character:
      state = .text
    }
    return false
  }
}
