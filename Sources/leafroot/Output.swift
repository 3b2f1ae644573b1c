// SPDX-License-Identifier: MIT

import Files
import Glibc
import Initramfs

/// Standard output, written in large pieces.
final class Output {
  /// Whether a person reads it: colours, columns, and no control characters from an image.
  let isTerminal = isatty(STDOUT_FILENO) == 1

  private var bytes: [UInt8] = []
  private static let size = 64 << 10

  init() { bytes.reserveCapacity(Output.size + 4096) }

  func write(_ text: StaticString) {
    text.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }

  func write(_ text: String) { bytes.append(contentsOf: text.utf8) }

  func write(_ text: [UInt8]) { bytes.append(contentsOf: text) }

  func write(_ text: UnsafeRawBufferPointer) { bytes.append(contentsOf: text) }

  /// A name from an image: unchanged, or on a terminal with `?` for control characters.
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
    try standardOutput(bytes)
    bytes.removeAll(keepingCapacity: true)
  }
}
