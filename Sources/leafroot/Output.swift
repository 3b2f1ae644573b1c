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

  func write(_ byte: UInt8) { bytes.append(byte) }

  func write(_ text: StaticString) {
    text.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }

  func write(_ text: String) { bytes.append(contentsOf: text.utf8) }

  func write(_ text: [UInt8]) { bytes.append(contentsOf: text) }

  func write(_ text: UnsafeRawBufferPointer) { bytes.append(contentsOf: text) }

  /// `number`, on a terminal padded with blanks to `width` digits.
  func write(_ number: UInt64, width: Int = 0) {
    var digits: [20 of UInt8] = .init(repeating: UInt8(ascii: " "))
    var rest = number
    var place = digits.count
    repeat {
      place -= 1
      digits[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    } while rest > 0
    if isTerminal { place = max(0, min(place, digits.count - width)) }
    for index in place..<digits.count { bytes.append(digits[index]) }
  }

  /// `number` as two digits.
  func writePair(_ number: Int) {
    bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / 10))
    bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
  }

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
