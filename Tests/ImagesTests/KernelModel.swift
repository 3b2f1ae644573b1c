// SPDX-License-Identifier: MIT

/// What Linux 6.12 says of raw newc: init/initramfs.c, `unpack_to_rootfs` and `write_buffer`, told
/// once more, over bytes that are all there. It shares no code with the reader.
struct KernelModel: Equatable {
  /// The names of files and trailers, and of what is skipped an empty one.
  var names: [[UInt8]] = []
  /// What the kernel says; nil if it takes all.
  var message: String?
  /// The bytes end inside of a record.
  var isCutShort = false

  /// Where a byte is that begins a compressed member: all behind it is none of the model's
  /// business.
  var isCompressed = false

  init(_ bytes: [UInt8]) {
    var place = 0
    while place < bytes.count {
      if bytes[place] == 0x30, place % 4 == 0 {
        guard let next = archive(bytes, place) else { return }
        place = next
      } else if bytes[place] == 0 {
        place += 1
      } else {
        isCompressed = KernelModel.magics.contains(Array(bytes[place...].prefix(2)))
        if !isCompressed { message = "invalid magic at start of compressed archive" }
        return
      }
    }
  }

  private static let magics: [[UInt8]] = [
    [0x1F, 0x8B], [0x1F, 0x9E], [0x42, 0x5A], [0x5D, 0], [0xFD, 0x37], [0x89, 0x4C], [0x02, 0x21],
    [0x28, 0xB5],
  ]

  /// From `Start` until something comes that is no record.
  /// - Returns: where that is; nil if it is over.
  private mutating func archive(_ bytes: [UInt8], _ start: Int) -> Int? {
    var place = start
    while true {
      guard let next = record(bytes, place) else { return nil }
      place = next
      // do_reset
      while place < bytes.count, bytes[place] == 0 { place += 1 }
      guard place < bytes.count else { return place }
      if place % 4 != 0 {
        message = "broken padding"
        return nil
      }
      if bytes[place] != 0x30 { return place }
    }
  }

  /// do_header, do_name, do_symlink, do_copy, do_skip.
  private mutating func record(_ bytes: [UInt8], _ start: Int) -> Int? {
    guard bytes.count - start >= 110 else { return cut() }
    let magic = String(decoding: bytes[start..<(start + 6)], as: UTF8.self)
    guard magic == "070701" || magic == "070702" else {
      message =
        magic == "070707" ? "incorrect cpio method used: use -H newc option" : "no cpio magic"
      return nil
    }
    let numbers = (0..<13).map { number(bytes[(start + 6 + 8 * $0)...].prefix(8)) }
    let (mode, bodyLength, nameLength) = (numbers[1] & 0xFFFF, numbers[6], numbers[11])
    let nameField = (nameLength + 1) / 4 * 4 + 2
    let type = mode & 0o170000
    let body = start + 110 + nameField
    let end = (body + bodyLength + 3) / 4 * 4

    if nameLength == 0 || nameLength > 4096 || type == 0o120000 && bodyLength > 4096
      || type != 0o120000 && type != 0o100000 && bodyLength > 0
    {
      names.append([])
      return end <= bytes.count ? end : cut()
    }
    let collected = type == 0o120000 ? body + bodyLength : body
    guard collected <= bytes.count else { return cut() }
    let name = bytes[(start + 110)..<(start + 110 + nameLength)]
    guard name.last == 0 else {
      message = "malformed archive"
      return nil
    }
    names.append(Array(name.prefix { $0 != 0 }))
    if type == 0o100000, names.last != Array("TRAILER!!!".utf8) {
      guard body + bodyLength <= bytes.count else { return cut() }
      let sum = bytes[body..<(body + bodyLength)].reduce(0) { ($0 + Int($1)) & 0xFFFF_FFFF }
      if magic == "070702", sum != numbers[12] {
        message = "bad data checksum"
        return nil
      }
    }
    return end <= bytes.count ? end : cut()
  }

  private mutating func cut() -> Int? {
    isCutShort = true
    return nil
  }

  /// simple_strtoul(…, 16).
  private func number(_ text: ArraySlice<UInt8>) -> Int {
    var digits = text
    if digits.starts(with: Array("0x".utf8)) || digits.starts(with: Array("0X".utf8)),
      digits.dropFirst(2).first.flatMap(digit) != nil
    {
      digits = digits.dropFirst(2)
    }
    var value = 0
    for byte in digits {
      guard let digit = digit(byte) else { break }
      value = value << 4 + digit
    }
    return value
  }

  private func digit(_ byte: UInt8) -> Int? {
    Character(Unicode.Scalar(byte)).isASCII
      ? Int(String(decoding: [byte], as: UTF8.self), radix: 16)
      : nil
  }
}
