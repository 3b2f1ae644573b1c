// SPDX-License-Identifier: MIT

import Importing
import Initramfs
import Newc

/// Writes the records of a tar archive in the pax format, for `tar2sqfs`. POSIX, "pax Interchange
/// Format".
enum TarWriter {
  private static let block = 512

  /// The two blocks of zeros at the end of an archive.
  static let end = [UInt8](repeating: 0, count: 2 * block)

  /// The zero bytes after `count` bytes of data.
  static func padding(after count: UInt64) -> [UInt8] {
    [UInt8](repeating: 0, count: Int(truncatingIfNeeded: 0 &- count) & (block - 1))
  }

  /// The headers of a file, which precede its data.
  static func headers(of file: TreeFile) -> [UInt8] {
    let entry = file.entry
    var (header, pax) = (Header(), PaxHeader())
    header.set(name: entry.name, &pax)
    if entry.type == .symbolicLink { header.set(link: file.target, &pax) }
    header.set(entry.mode & 0o7777, at: .mode)
    header.set(owner: entry.userID, at: .userID, "uid", &pax)
    header.set(owner: entry.groupID, at: .groupID, "gid", &pax)
    header.set(entry.modificationTime, at: .time)
    // A regular file of a squashfs has less than 4 GiB; the field holds 8.
    if entry.type == .regular { header.set(UInt32(clamping: entry.size), at: .size) }
    header.set(entry.specialDevice.major, at: .major)
    header.set(entry.specialDevice.minor, at: .minor)
    for xattr in file.xattrs { pax.add(xattr) }
    return pax.record + header.bytes(typeFlag(of: entry))
  }

  /// The record of another name of a file.
  static func link(_ name: [UInt8], to file: TreeFile) -> [UInt8] {
    var (header, pax) = (Header(), PaxHeader())
    header.set(name: name, &pax)
    header.set(link: file.entry.name, &pax)
    return pax.record + header.bytes(UInt8(ascii: "1"))
  }

  private static func typeFlag(of entry: Entry) -> UInt8 {
    switch entry.type {
    case .symbolicLink: UInt8(ascii: "2")
    case .characterDevice: UInt8(ascii: "3")
    case .blockDevice: UInt8(ascii: "4")
    case .directory: UInt8(ascii: "5")
    case .fifo: UInt8(ascii: "6")
    case .regular, .socket, nil: UInt8(ascii: "0")
    }
  }
}

/// A block with the metadata of a record: POSIX, "ustar Interchange Format".
private struct Header {
  /// A field for an octal number with a final NUL.
  enum Field: Int {
    case mode = 100
    case userID = 108
    case groupID = 116
    case size = 124
    case time = 136
    case major = 329
    case minor = 337

    var digits: Int { self == .size || self == .time ? 11 : 7 }
  }

  private var block = [UInt8](repeating: 0, count: 512)
  private static let nameSize = 100
  private static let (sum, type, link) = (148, 156, 157)

  init() {
    for field in [Field.mode, .userID, .groupID, .size, .time, .major, .minor] { set(0, at: field) }
    put(Array("ustar\u{0}00".utf8), at: 257)
  }

  mutating func set(name: [UInt8], _ pax: inout PaxHeader) {
    set(name, at: 0, "path", &pax)
  }

  mutating func set(link target: [UInt8], _ pax: inout PaxHeader) {
    set(target, at: Self.link, "linkpath", &pax)
  }

  private mutating func set(
    _ text: [UInt8], at offset: Int, _ keyword: String, _ pax: inout PaxHeader
  ) {
    if text.count > Self.nameSize { pax.add(keyword, text) }
    put(Array(text.prefix(Self.nameSize)), at: offset)
  }

  mutating func set(
    owner: UInt32, at field: Field, _ keyword: String, _ pax: inout PaxHeader
  ) {
    guard owner >> (3 * UInt32(field.digits)) > 0 else { return set(owner, at: field) }
    pax.add(keyword, Array("\(owner)".utf8))
  }

  mutating func set(_ number: UInt32, at field: Field) {
    put(Self.octal(number, field.digits), at: field.rawValue)
  }

  /// The block with its checksum, which counts its own field as blanks.
  func bytes(_ type: UInt8) -> [UInt8] {
    var header = self
    header.block[Self.type] = type
    header.put([UInt8](repeating: 0x20, count: 8), at: Self.sum)
    let sum = header.block.reduce(0) { $0 + UInt32($1) }
    header.put(Self.octal(sum, 6) + [0], at: Self.sum)
    return header.block
  }

  private mutating func put(_ bytes: [UInt8], at offset: Int) {
    block.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
  }

  private static func octal(_ number: UInt32, _ count: Int) -> [UInt8] {
    (0..<count).reversed().map { digit in
      UInt8(ascii: "0") + UInt8(truncatingIfNeeded: UInt64(number) >> (3 * UInt64(digit)) & 7)
    }
  }
}

/// What the fields of a header cannot hold.
private struct PaxHeader {
  private var text: [UInt8] = []

  /// Adds a line `LENGTH KEYWORD=VALUE`; the length includes its own digits.
  mutating func add(_ keyword: String, _ value: [UInt8]) {
    let rest = Array(" \(keyword)=".utf8) + value + [0x0A]
    var length = rest.count
    while "\(length)".utf8.count + rest.count != length {
      length = "\(length)".utf8.count + rest.count
    }
    text += Array("\(length)".utf8) + rest
  }

  /// In libarchive's format, whose values may be any bytes.
  mutating func add(_ xattr: Xattr) {
    var keyword = "LIBARCHIVE.xattr."
    for byte in xattr.name {
      let isPlain = byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "%")
      let hex = String(byte, radix: 16, uppercase: true)
      keyword += isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + hex
    }
    add(keyword, Self.base64(xattr.value))
  }

  /// The header as a record of its own; empty without content.
  var record: [UInt8] {
    if text.isEmpty { return [] }
    var header = Header()
    var pax = PaxHeader()
    header.set(name: Array("pax".utf8), &pax)
    header.set(UInt32(text.count), at: .size)
    return header.bytes(UInt8(ascii: "x")) + text + TarWriter.padding(after: UInt64(text.count))
  }

  private static let digits = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// RFC 4648, without padding, as libarchive writes it.
  private static func base64(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start...].prefix(3)
      let value = (0..<3).reduce(0) { $0 << 8 | Int($1 < group.count ? group[start + $1] : 0) }
      for digit in 0...group.count { text.append(digits[value >> (18 - 6 * digit) & 63]) }
    }
    return text
  }
}
