// SPDX-License-Identifier: MIT

/// A record of a tar archive: POSIX ustar, with a pax header for what that cannot hold.
struct TarWriterRecord {
  var name: String
  /// `0` a file, `1` a hard link, `2` a symbolic link, `5` a directory.
  var type: Character = "0"
  var content: [UInt8] = []
  var link = ""
  var mode = 0o644
  /// What the header says, if it is not the content's size.
  var size: Int?
  /// Keywords of a pax header.
  var pax: [(String, [UInt8])] = []

  static func file(_ name: String, _ content: String) -> Self {
    Self(name: name, content: Array(content.utf8))
  }

  static func directory(_ name: String) -> Self { Self(name: name, type: "5", mode: 0o755) }

  static func link(_ name: String, to target: String) -> Self {
    Self(name: name, type: "2", link: target, mode: 0o777)
  }

  static func hardLink(_ name: String, to target: String) -> Self {
    Self(name: name, type: "1", link: target)
  }

  /// A pax header for all records behind it.
  static func global(_ keywords: [(String, String)]) -> Self {
    let lines = keywords.flatMap { paxLine($0.0, Array($0.1.utf8)) }
    return Self(name: "global", type: "g", content: lines)
  }

  func with(_ change: (inout Self) -> Void) -> Self {
    var copy = self
    change(&copy)
    return copy
  }
}

/// An archive of `records`, with its two zero blocks.
func tar(_ records: [TarWriterRecord]) -> [UInt8] {
  records.flatMap(blocks) + [UInt8](repeating: 0, count: 1024)
}

private func blocks(of record: TarWriterRecord) -> [UInt8] {
  var bytes: [UInt8] = []
  if !record.pax.isEmpty {
    let lines = record.pax.flatMap { paxLine($0, $1) }
    bytes += blocks(of: TarWriterRecord(name: "pax", type: "x", content: lines))
  }
  return bytes + header(of: record) + padded(record.content)
}

private func header(of record: TarWriterRecord) -> [UInt8] {
  func octal(_ value: Int, _ width: Int) -> [UInt8] {
    let digits = String(value, radix: 8)
    return Array((String(repeating: "0", count: width - 1 - digits.count) + digits).utf8) + [0]
  }
  func text(_ value: String, _ width: Int) -> [UInt8] {
    Array(value.utf8) + [UInt8](repeating: 0, count: width - value.utf8.count)
  }
  var header = text(record.name, 100) + octal(record.mode, 8) + octal(0, 8) + octal(0, 8)
  header += octal(record.size ?? record.content.count, 12) + octal(1_600_000_000, 12)
  header += text("        ", 8) + [record.type.asciiValue!] + text(record.link, 100)
  header += text("ustar", 6) + Array("00".utf8)
  header += [UInt8](repeating: 0, count: 512 - header.count)
  let sum = header.reduce(0) { $0 + Int($1) }
  header.replaceSubrange(148..<156, with: octal(sum, 7) + [0x20])
  return header
}

private func padded(_ bytes: [UInt8]) -> [UInt8] {
  bytes + [UInt8](repeating: 0, count: -bytes.count & 511)
}

/// `LENGTH KEYWORD=VALUE`, the length with its own digits.
private func paxLine(_ keyword: String, _ value: [UInt8]) -> [UInt8] {
  let rest = Array(" \(keyword)=".utf8) + value + [0x0A]
  var length = rest.count
  while length != rest.count + String(length).utf8.count { length += 1 }
  return Array(String(length).utf8) + rest
}
