// SPDX-License-Identifier: MIT

import CLinux

/// A line that is put together from bytes. Swift's String would bring Unicode tables of 50 kB.
struct Text {
  private(set) var bytes: [UInt8] = []

  init() {}

  init(_ text: StaticString) { add(text) }

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  static func + (start: Text, end: StaticString) -> Text {
    var text = start
    text.add(end)
    return text
  }

  mutating func add(_ text: StaticString) {
    text.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }

  mutating func add(_ number: Int) {
    if number < 0 { bytes.append(0x2d) }
    var digits: [UInt8] = []
    var rest = number.magnitude
    repeat {
      digits.append(48 + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    } while rest > 0
    bytes.append(contentsOf: digits.reversed())
  }

  mutating func add(_ more: [UInt8]) { bytes.append(contentsOf: more) }

  mutating func add(_ more: ArraySlice<UInt8>) { bytes.append(contentsOf: more) }

  /// A C string.
  mutating func add(_ text: UnsafePointer<CChar>) {
    var next = text
    while next.pointee != 0 {
      bytes.append(UInt8(bitPattern: next.pointee))
      next += 1
    }
  }

  /// The description of a positive errno.
  mutating func add(error code: Int32) {
    if let description = strerror(code) { add(UnsafePointer(description)) }
  }

  /// As C takes it.
  func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    let terminated = bytes + [0]
    return terminated.withUnsafeBufferPointer { buffer in
      buffer.baseAddress!.withMemoryRebound(to: CChar.self, capacity: buffer.count, body)
    }
  }

  /// write(2), as far as it goes.
  func write(to descriptor: Int32) {
    _ = bytes.withUnsafeBytes { CLinux.write(descriptor, $0.baseAddress, $0.count) }
  }
}

/// The bytes of a C string.
func bytes(of text: UnsafePointer<CChar>) -> [UInt8] {
  var line = Text()
  line.add(text)
  return line.bytes
}

extension Sequence<UInt8> {
  /// Byte for byte, without Unicode.
  func starts(with prefix: StaticString) -> Bool {
    prefix.withUTF8Buffer { starts(with: $0) }
  }
}
