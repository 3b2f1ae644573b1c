// SPDX-License-Identifier: MIT

import Files
import Initramfs
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
    self.init(try file.bytes(at: 0, count: Int(file.size)))
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

/// The end of a log that is still being written, for a person.
///
/// It omits the guest's reports, which are for the host, and the command's output, which is printed
/// when the command ends.
struct ConsoleTail {
  private let path: FilePath
  private var offset: Int64 = 0
  private var filter = EscapeFilter()
  private var unfinished: [UInt8] = []
  private var last = ""
  private var isCommandRunning = false

  init(_ path: FilePath) { self.path = path }

  /// The last line so far that is not empty; empty if the log cannot be read.
  mutating func lastLine() -> String {
    guard let file = try? InputFile(path) else { return last }
    while let bytes = try? file.bytes(at: offset, count: InputFile.blockSize), !bytes.isEmpty {
      offset += Int64(bytes.count)
      unfinished += filter.plain(bytes)
      let lines = unfinished.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      for line in lines { take(String(decoding: line, as: UTF8.self)) }
      unfinished = Array(lines.last ?? [])
    }
    return last
  }

  /// The last line may be unfinished, and is then passed again.
  private mutating func take(_ line: String) {
    if line.contains(Mark.command) {
      isCommandRunning = true
      last = "running the command"
    } else if line.contains(Mark.exit) {
      isCommandRunning = false
      last = "the command ended"
    } else if !isCommandRunning, !line.isEmpty, !line.contains(Mark.any), !Mark.any.hasPrefix(line)
    {
      last = line
    }
  }
}
