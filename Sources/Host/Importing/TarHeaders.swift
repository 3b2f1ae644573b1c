// SPDX-License-Identifier: MIT

import CArchive

/// The headers before a record that libarchive applies or ignores without reporting them: POSIX
/// pax, "pax Interchange Format"; GNU tar, "Basic Tar Format".
struct TarHeaders {
  /// A keyword of a pax header, with its value.
  typealias Keyword = (name: [UInt8], value: [UInt8])

  /// Keywords that apply to all records that follow.
  private(set) var global: [Keyword] = []
  /// Keywords that apply to this record.
  private(set) var local: [Keyword] = []
  /// Whether the record continues a file that begins in an earlier volume.
  private(set) var isContinued = false

  private static let block = 512

  /// - Parameter bytes: The known bytes from the first header of a record on.
  init(_ bytes: ArraySlice<UInt8>) {
    var rest = bytes
    while rest.count >= Self.block {
      let type = rest[rest.startIndex + 156]
      switch type {
      case UInt8(ascii: "x"), UInt8(ascii: "X"), UInt8(ascii: "g"), UInt8(ascii: "K"),
        UInt8(ascii: "L"), UInt8(ascii: "V"):
        let size = Self.size(rest.dropFirst(124).prefix(12))
        let content = rest.dropFirst(Self.block).prefix(size)
        if type == UInt8(ascii: "g") { global += Self.keywords(content) }
        if type | 0x20 == UInt8(ascii: "x") { local += Self.keywords(content) }
        rest = rest.dropFirst(Self.block).dropFirst(size).dropFirst(-size & (Self.block - 1))
      default:
        isContinued = type == UInt8(ascii: "M")
        return
      }
    }
  }

  func hasLocal(_ name: String) -> Bool { local.contains { $0.name.elementsEqual(name.utf8) } }

  /// Parses octal digits; 0 if the size is too large for an extended header.
  private static func size(_ field: ArraySlice<UInt8>) -> Int {
    var size = 0
    for byte in field where (0x30...0x37).contains(byte) {
      size = size << 3 | Int(byte - 0x30)
    }
    return size <= 64 << 20 ? size : 0
  }

  /// Parses lines of `LENGTH KEYWORD=VALUE`; the length includes the line feed.
  private static func keywords(_ content: ArraySlice<UInt8>) -> [Keyword] {
    var keywords: [Keyword] = []
    var rest = content
    while let blank = rest.firstIndex(of: 0x20),
      let length = Int(String(decoding: rest[..<blank], as: UTF8.self)),
      length > blank - rest.startIndex + 1, length <= rest.count
    {
      let text = rest.prefix(length).dropLast()[(blank + 1)...]
      guard let equals = text.firstIndex(of: UInt8(ascii: "=")) else { break }
      keywords.append((Array(text[..<equals]), Array(text[(equals + 1)...])))
      rest = rest.dropFirst(length)
    }
    return keywords
  }
}

/// Keeps the headers of a record that libarchive reads.
final class HeaderTap: ByteStream {
  /// The handle that knows positions in the stream; set before the first header is read.
  var archive: OpaquePointer?

  private let stream: any ByteStream
  private var kept: [UInt8] = []
  /// The number of bytes in `kept` that are already dropped, and the stream offset of the rest.
  /// Most records are far smaller than a block of the stream, which should not be moved for each of
  /// them.
  private var dropped = 0
  private var start: Int64 = 0
  private var lastHeader: Int64 = -1

  init(_ stream: any ByteStream) { self.stream = stream }

  func next() throws -> UnsafeRawBufferPointer {
    drop(before: needed)
    kept.removeFirst(dropped)
    dropped = 0
    let bytes = try stream.next()
    kept.append(contentsOf: bytes)
    return bytes
  }

  func skip(_ count: Int64) throws -> Int64 {
    let skipped = try stream.skip(count)
    if skipped > 0 {
      start += Int64(kept.count - dropped) + skipped
      (kept, dropped) = ([], 0)
    }
    return skipped
  }

  /// The headers of the record that libarchive has just returned.
  func headers() -> TarHeaders {
    guard let archive else { return TarHeaders([]) }
    lastHeader = archive_read_header_position(archive)
    drop(before: lastHeader)
    return TarHeaders(start == lastHeader ? kept[dropped...] : [])
  }

  /// The stream offset of the first byte to keep: the first header of a record while its headers
  /// are being read, otherwise the end of the data read so far.
  private var needed: Int64 {
    guard let archive else { return 0 }
    let header = archive_read_header_position(archive)
    return header == lastHeader ? archive_filter_bytes(archive, 0) : header
  }

  private func drop(before offset: Int64) {
    let count = Int(min(max(0, offset - start), Int64(kept.count - dropped)))
    dropped += count
    start += Int64(count)
  }
}
