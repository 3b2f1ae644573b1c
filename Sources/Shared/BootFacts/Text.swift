// SPDX-License-Identifier: MIT

import CLinux

/// A line built from bytes. Swift's String would add Unicode tables of 50 kB.
public struct Text: Sendable {
  public private(set) var bytes: [UInt8] = []

  public init() {}

  public init(_ text: StaticString) { add(text) }

  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  public static func + (start: Text, end: StaticString) -> Text {
    var text = start
    text.add(end)
    return text
  }

  public static func + (start: Text, end: [UInt8]) -> Text {
    var text = start
    text.add(end)
    return text
  }

  public static func + (start: Text, end: Text) -> Text { start + end.bytes }

  public mutating func add(_ text: StaticString) {
    text.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }

  public mutating func add(_ number: Int) {
    if number < 0 { bytes.append(0x2d) }
    var digits: [UInt8] = []
    var rest = number.magnitude
    repeat {
      digits.append(48 + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    } while rest > 0
    bytes.append(contentsOf: digits.reversed())
  }

  public mutating func add(_ more: [UInt8]) { bytes.append(contentsOf: more) }

  public mutating func add(_ more: ArraySlice<UInt8>) { bytes.append(contentsOf: more) }

  /// Adds a C string.
  public mutating func add(cString text: UnsafePointer<CChar>) {
    var next = text
    while next.pointee != 0 {
      bytes.append(UInt8(bitPattern: next.pointee))
      next += 1
    }
  }

  /// Adds the description of a positive errno.
  public mutating func add(error code: Int32) {
    if let description = strerror(code) { add(cString: UnsafePointer(description)) }
  }

  /// Adds a size, given in bytes, in whole MiB.
  public mutating func add(mebibytesOf size: Int) {
    add(size >> 20)
    add(" MiB")
  }

  /// Calls `body` with the bytes, terminated by a NUL.
  public func withCString<Result, Failure: Error>(
    _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let terminated = bytes + [0]
    return try terminated.withUnsafeBufferPointer { (buffer) throws(Failure) in
      try buffer.baseAddress!.withMemoryRebound(to: CChar.self, capacity: buffer.count, body)
    }
  }

  /// Writes the line to `descriptor`. write(2).
  ///
  /// - Returns: whether all of it was written.
  @discardableResult
  public func write(to descriptor: Int32) -> Bool {
    bytes.withUnsafeBytes { CLinux.write(descriptor, $0.baseAddress, $0.count) } >= bytes.count
  }
}

/// The bytes of a C string.
public func bytes(of text: UnsafePointer<CChar>) -> [UInt8] {
  var line = Text()
  line.add(cString: text)
  return line.bytes
}

/// A decimal number; nil if `digits` is not one.
public func number(_ digits: ArraySlice<UInt8>) -> Int? {
  if digits.isEmpty || digits.count > 18 { return nil }
  var value = 0
  for digit in digits {
    guard digit >= 48, digit <= 57 else { return nil }
    value = value * 10 + Int(digit - 48)
  }
  return value
}

extension ArraySlice<UInt8> {
  /// Byte for byte, without Unicode.
  public func starts(with prefix: StaticString) -> Bool {
    prefix.withUTF8Buffer { starts(with: $0) }
  }

  /// Byte for byte, without Unicode.
  public func equals(_ text: StaticString) -> Bool {
    count == text.utf8CodeUnitCount && starts(with: text)
  }
}
