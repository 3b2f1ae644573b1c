// SPDX-License-Identifier: MIT

import Files
import SystemPackage

/// What a machine printed on its serial console, without escape sequences.
public struct Console: Equatable, Sendable {
  /// The lines, without their ends.
  public let lines: [String]

  /// The lines of `bytes`, which come from a serial port.
  ///
  /// Bytes that are not UTF-8 become U+FFFD.
  public init(_ bytes: some Sequence<UInt8>) {
    var filter = EscapeFilter()
    let plain = filter.plain(bytes)
    lines = plain.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
  }

  /// All lines in one string.
  public var text: String { lines.joined(separator: "\n") }

  /// Reads the log that QEMU wrote to `path` and writes it back without escape sequences.
  /// - Throws: ``FileError``.
  init(cleaning path: FilePath) throws(FileError) {
    let file = try InputFile(path)
    self.init(try file.bytes())
    let output = try OutputFile(path)
    try output.write(Array(text.utf8))
    try output.commit(permissions: file.permissions)
  }
}

/// Takes terminal escape sequences and carriage returns out of a stream of bytes.
///
/// Firmware and systemd send them. Source: ECMA-48; console_codes(4).
struct EscapeFilter {
  private enum State {
    case text, escape, control, string, stringEscape, character
  }

  private var state = State.text

  /// The bytes of `stream` that are text; an escape sequence may continue in the next call.
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
