// SPDX-License-Identifier: MIT

import Files
import FoundationEssentials

/// Standard output, written in large pieces. Everything that a verb prints goes through it, so that
/// a verb fails if the output cannot be written.
final class Output {
  /// Whether the output is a terminal: use columns, and print no control characters from an image.
  let isTerminal = StandardStreams.outputIsTerminal
  /// Whether the output may have colours.
  let hasColours = StandardStreams.outputHasColours

  private let file = OutputFile.standardOutput
  private var bytes: [UInt8] = []
  private static let size = 64 << 10

  init() { bytes.reserveCapacity(Output.size + 4096) }

  func write(_ text: StaticString) {
    text.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }

  func write(_ text: String) { bytes.append(contentsOf: text.utf8) }

  func write(_ text: [UInt8]) { bytes.append(contentsOf: text) }

  func write(_ text: UnsafeRawBufferPointer) { bytes.append(contentsOf: text) }

  /// Writes a name from an image: unchanged, or on a terminal with `?` for control characters.
  func write(name: [UInt8]) {
    guard isTerminal else { return write(name) }
    for byte in name { bytes.append(byte < 0x20 || byte == 0x7F ? UInt8(ascii: "?") : byte) }
  }

  /// Ends a line, and writes the buffer if it is full.
  func endLine() throws(FileError) {
    bytes.append(UInt8(ascii: "\n"))
    if bytes.count >= Output.size { try flush() }
  }

  /// Writes the rest of the buffer. write(2).
  func flush() throws(FileError) {
    try file.write(bytes)
    bytes.removeAll(keepingCapacity: true)
  }

  /// Writes `bytes` at once.
  static func print(_ bytes: [UInt8]) throws(FileError) {
    try OutputFile.standardOutput.write(bytes)
  }

  /// Writes `text` and the end of its line at once.
  static func print(_ text: String) throws(FileError) { try print(Array("\(text)\n".utf8)) }
}

/// Returns one JSON object with sorted keys.
func json(_ report: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(report), as: UTF8.self)
}
