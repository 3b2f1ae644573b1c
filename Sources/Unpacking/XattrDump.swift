// SPDX-License-Identifier: MIT

import CLinux
import Tree

/// What newc cannot carry of a tree, in the format of `getfattr --dump --encoding=hex`:
///
///     # file: usr/bin/ping
///     security.capability=0x0100000200200000000000000000000000000000
///
/// Bytes of a path or a name that are no printing ASCII, backslashes, and `=` are octal: `\012`. The attribute
/// `leafroot.mtime` is the modification time of a file before 1970 or after 2106: seconds as 16 hex
/// digits, in two's complement.
struct XattrDump {
  /// One xattr, or a time.
  struct Item {
    /// From the root of the tree, without a slash in front.
    var path: [UInt8]
    /// With its NUL; nil for a time.
    var name: [CChar]?
    var value: [UInt8]

    /// Seconds since 1970, if this is a time.
    var seconds: Int {
      Int(Int64(bitPattern: value.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }))
    }
  }

  /// A line that is not in this format.
  struct Malformed: Error {
    /// Counted from 1.
    var line: Int
  }

  private enum Line {
    case file(ArraySlice<UInt8>)
    case attribute(name: ArraySlice<UInt8>, value: [UInt8])
    case empty
  }

  private let lines: [ArraySlice<UInt8>]
  private var next = 0
  private var path: [UInt8]?

  init(_ content: [UInt8]) {
    lines = content.split(separator: 0x0A, omittingEmptySubsequences: false)
  }

  fileprivate static var fileMark: StaticString { "# file: " }
  fileprivate static var timeName: StaticString { "leafroot.mtime" }

  /// What comes next; nil at the end.
  mutating func nextItem() throws(Malformed) -> Item? {
    while next < lines.count {
      next += 1
      switch Self.parse(lines[next - 1]) {
      case .empty: continue
      case .file(let name):
        path = Self.unescaped(name)
        if path != nil { continue }
      case .attribute(let name, let value):
        guard let path else { break }
        if Self.equals(name, Self.timeName) {
          if value.count == 8 { return Item(path: path, name: nil, value: value) }
        } else if let name = Self.unescaped(name) {
          return Item(path: path, name: name.map { CChar(bitPattern: $0) } + [0], value: value)
        }
      case nil: break
      }
      throw Malformed(line: next)
    }
    return nil
  }

  private static func parse(_ line: ArraySlice<UInt8>) -> Line? {
    if line.isEmpty { return .empty }
    if starts(line, fileMark) { return .file(line.dropFirst(fileMark.utf8CodeUnitCount)) }
    guard let equals = line.firstIndex(of: UInt8(ascii: "=")), equals > line.startIndex,
      line[(equals + 1)...].starts(with: [UInt8(ascii: "0"), UInt8(ascii: "x")]),
      let value = bytes(ofHex: line[(equals + 3)...])
    else { return nil }
    return .attribute(name: line[..<equals], value: value)
  }

  private static func bytes(ofHex digits: ArraySlice<UInt8>) -> [UInt8]? {
    if digits.count % 2 != 0 { return nil }
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in digits {
      guard let value = hexValue(digit) else { return nil }
      if let first = high {
        bytes.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    return bytes
  }

  private static func hexValue(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  private static func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    var rest = text
    while let first = rest.popFirst() {
      guard first == UInt8(ascii: "\\") else {
        bytes.append(first)
        continue
      }
      let digits = rest.prefix(3)
      var value = 0
      for digit in digits {
        guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "7") else { return nil }
        value = value << 3 | Int(digit - UInt8(ascii: "0"))
      }
      guard digits.count == 3, value > 0, value < 256 else { return nil }
      bytes.append(UInt8(value))
      rest = rest.dropFirst(3)
    }
    return bytes
  }

  private static func starts(_ line: ArraySlice<UInt8>, _ text: StaticString) -> Bool {
    text.withUTF8Buffer { line.starts(with: $0) }
  }

  private static func equals(_ line: ArraySlice<UInt8>, _ text: StaticString) -> Bool {
    line.count == text.utf8CodeUnitCount && starts(line, text)
  }
}

/// Writes what ``XattrDump`` reads.
package struct XattrDumpWriter {
  package private(set) var text: [UInt8] = []
  private var path: [UInt8]?

  package init() {}

  /// An xattr of the file at `path`, which begins with no slash.
  package mutating func add(_ path: [UInt8], name: [UInt8], value: [UInt8]) {
    begin(path)
    escape(name)
    append(value)
  }

  /// Its modification time, in seconds since 1970.
  package mutating func add(_ path: [UInt8], seconds: Int64) {
    begin(path)
    append(XattrDump.timeName)
    let bits = UInt64(bitPattern: seconds)
    append((0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * UInt64($0))) })
  }

  private mutating func begin(_ path: [UInt8]) {
    if path == self.path { return }
    self.path = path
    append(XattrDump.fileMark)
    escape(path)
    text.append(0x0A)
  }

  private mutating func append(_ words: StaticString) {
    words.withUTF8Buffer { text.append(contentsOf: $0) }
  }

  private mutating func append(_ value: [UInt8]) {
    append("=0x")
    for byte in value {
      for digit in [byte >> 4, byte & 15] { text.append(digit < 10 ? 48 + digit : 87 + digit) }
    }
    text.append(0x0A)
  }

  private mutating func escape(_ bytes: [UInt8]) {
    for byte in bytes {
      let isPlain = byte > 0x20 && byte < 0x7F
      if isPlain, byte != UInt8(ascii: "\\"), byte != UInt8(ascii: "=") {
        text.append(byte)
      } else {
        text.append(UInt8(ascii: "\\"))
        for shift in [6, 3, 0] as [UInt8] { text.append(48 + (byte >> shift) & 7) }
      }
    }
  }
}
