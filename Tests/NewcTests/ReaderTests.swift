// SPDX-License-Identifier: MIT

import Newc
import Testing

/// All that a reader says about `bytes`, handed over in pieces of `step` bytes.
private func events(
  _ bytes: [UInt8], step: Int = .max, digits: Header.Digits = .strict
) throws(Reader.Malformed) -> [String] {
  var rules = Reader.Rules()
  rules.digits = digits
  var reader = Reader(rules)
  var events: [String] = []
  var data: [UInt8] = []
  var offset = 0
  while offset < bytes.count {
    let piece = Array(bytes[offset...].prefix(step))
    var index = 0
    loop: while true {
      switch try reader.next(in: piece.span, from: &index) {
      case .entry:
        let target = String(decoding: reader.target, as: UTF8.self)
        events.append("entry \(String(decoding: reader.name, as: UTF8.self)) \(target)")
        data = []
      case .data(let range): data += piece[range]
      case .end: events.append("data \(data.count)")
      case .trailer: events.append("trailer")
      case .skipped(let why): events.append("skipped \(why)")
      case .foreign:
        events.append("foreign \(reader.offset)")
        return events
      case .starved: break loop
      }
    }
    offset += piece.count
  }
  if !reader.isBetweenRecords { events.append("cut") }
  return events
}

/// A record with any header at all, padded.
private func record(_ header: Header, _ name: [UInt8], _ data: [UInt8] = []) -> [UInt8] {
  var bytes: [UInt8] = []
  header.append(to: &bytes)
  bytes += name
  bytes += Writer.padding(after: UInt64(bytes.count)) + data
  return bytes + Writer.padding(after: UInt64(bytes.count))
}

private func file(
  _ name: String, _ data: [UInt8] = [], mode: UInt32 = 0o100644,
  _ change: (inout Header) -> Void = { _ in }
) -> [UInt8] {
  let name = Array(name.utf8) + [0]
  var header = Header(
    mode: mode, dataSize: UInt32(data.count), nameSize: UInt32(name.count))
  change(&header)
  return record(header, name, data)
}

@Suite struct ReaderTests {
  private static let sample =
    file("dir", mode: 0o040755) + file("dir/f", [1, 2, 3, 4, 5]) + file("e")
    + file("link", Array("dir/f".utf8), mode: 0o120777) + file("null", mode: 0o020666)
    + file("TRAILER!!!", mode: 0) + [UInt8](repeating: 0, count: 64) + file("again")

  @Test(arguments: [1, 2, 3, 7, 109, 110, 111, 4096])
  func `records come out the same in pieces of any size`(step: Int) throws {
    #expect(
      try events(Self.sample, step: step) == [
        "entry dir ", "entry dir/f ", "data 5", "entry e ", "data 0", "entry link dir/f",
        "entry null ", "trailer", "entry again ", "data 0",
      ])
  }

  @Test func `a name ends at its first NUL, and NULs may follow`() throws {
    #expect(
      try events(record(Header(mode: 0o040755, nameSize: 8), Array("a\0\0b\0\0\0\0".utf8)))
        == ["entry a "])
  }

  @Test func `a name without NUL is refused`() {
    #expect(
      throws: Reader.Malformed(offset: 110, reason: .nameUnterminated(2))
    ) { try events(record(Header(mode: 0o100644, nameSize: 2), [0x61, 0x62])) }
    #expect(
      throws: Reader.Malformed(offset: 110, reason: .nameUnterminated(2))
    ) { try events(record(Header(mode: 0o120777, dataSize: 1, nameSize: 2), [0x61, 0x62], [1])) }
  }

  @Test func `names of no byte and of more than PATH_MAX are passed over`() throws {
    let long = [UInt8](repeating: 0x61, count: 4096) + [0]
    #expect(
      try events(
        file("a") + record(Header(mode: 0o100644, dataSize: 4, nameSize: 0), [], [1, 2, 3, 4])
          + record(Header(mode: 0o100644, nameSize: 4097), long) + file("b"))
        == [
          "entry a ", "data 0", "skipped nameSize(0)", "skipped nameSize(4097)", "entry b ",
          "data 0",
        ])
    let longest = [UInt8](repeating: 0x61, count: 4095)
    #expect(
      try events(record(Header(mode: 0o100644, nameSize: 4096), longest + [0]))
        == ["entry \(String(decoding: longest, as: UTF8.self)) ", "data 0"])
  }

  @Test func `behind a first record that is passed over there may be padding, too`() throws {
    let skipped = record(Header(mode: 0o100644, nameSize: 0), [])
    for padding in [[], [0, 0, 0, 0]] as [[UInt8]] {
      #expect(
        try events(skipped + padding + file("a"))
          == ["skipped nameSize(0)", "entry a ", "data 0"])
    }
  }

  @Test func `a target of more than PATH_MAX is passed over, one of PATH_MAX not`() throws {
    let target = [UInt8](repeating: 0x74, count: 4097)
    #expect(
      try events(file("a") + file("l", target, mode: 0o120777))
        == ["entry a ", "data 0", "skipped targetSize(4097)"])
    let longest = String(repeating: "t", count: 4096)
    #expect(
      try events(file("l", Array(target.dropLast()), mode: 0o120777)) == ["entry l \(longest)"])
  }

  @Test(arguments: [0o040755, 0o020600, 0o060600, 0o010644, 0o140755, 0o000644] as [UInt32])
  func `data where none belongs is passed over with its record`(mode: UInt32) throws {
    #expect(
      try events(file("d", [1, 2, 3], mode: mode) + file("a"))
        == ["skipped dataUnexpected(3)", "entry a ", "data 0"])
  }

  @Test func `a symbolic link may be called as the trailer`() throws {
    #expect(
      try events(file("TRAILER!!!", [0x61], mode: 0o120777)) == ["entry TRAILER!!! a"])
    #expect(try events(file("TRAILER!!!", [1, 2])) == ["trailer"])
  }

  @Test(arguments: [1, 1000])
  func `the sum of a crc record is verified, that of a newc record is not`(step: Int) throws {
    func bytes(_ magic: Header.Magic, _ sum: UInt32, _ data: [UInt8]) -> [UInt8] {
      file("f", data) {
        $0.magic = magic
        $0.checksum = sum
      }
    }
    let data: [UInt8] = [255, 255, 3]
    #expect(try events(bytes(.crc, 513, data), step: step) == ["entry f ", "data 3"])
    // Each record has its own.
    let two = bytes(.crc, 513, data) + bytes(.crc, 7, [7])
    #expect(
      try events(two, step: step) == ["entry f ", "data 3", "entry f ", "data 1"])
    #expect(try events(bytes(.newc, 9, data), step: step) == ["entry f ", "data 3"])
    #expect(
      throws: Reader.Malformed(offset: 112, reason: .checksum(found: 513, expected: 9))
    ) { try events(bytes(.crc, 9, data), step: step) }
    #expect(
      throws: Reader.Malformed(offset: 112, reason: .checksum(found: 0, expected: 1))
    ) { try events(bytes(.crc, 1, []), step: step) }
  }

  @Test func `a file that is passed over has no data and no sum`() throws {
    let bytes =
      file("f", [1, 2, 3]) {
        $0.magic = .crc
        $0.checksum = 9
      } + file("g")
    var reader = Reader()
    var index = 0
    var event = try reader.next(in: bytes.span, from: &index)
    #expect(event == .entry)
    reader.passOver()
    #expect(reader.skippable == 4)
    event = try reader.next(in: bytes.span, from: &index)
    #expect(event == .entry)
    #expect(reader.name == [0x67])
  }

  @Test func `what is skipped may be left out`() throws {
    let bytes = file("f", [UInt8](repeating: 1, count: 1000)) + file("g")
    var reader = Reader()
    var index = 0
    let head = Array(bytes[..<112])
    let first = try reader.next(in: head.span, from: &index)
    #expect(first == .entry)
    reader.passOver()
    reader.leftOut(1000)
    #expect(reader.isBetweenRecords)
    index = 1112
    let event = try reader.next(in: bytes.span, from: &index)
    #expect(event == .entry)
    #expect(reader.recordOffset == 1112)
  }

  @Test func `padding between records is any number of zero bytes that ends at a multiple of 4`()
    throws
  {
    #expect(
      try events(file("a") + [0, 0, 0, 0, 0, 0, 0, 0] + file("b"))
        == ["entry a ", "data 0", "entry b ", "data 0"])
    #expect(throws: Reader.Malformed(offset: 114, reason: .padding(0x30))) {
      try events(file("a") + [0, 0] + file("b"))
    }
  }

  @Test func `a byte that begins no record is left where it is`() throws {
    #expect(try events(file("a") + [0x1F, 0x8B]) == ["entry a ", "data 0", "foreign 112"])
  }

  @Test func `another magic is refused`() {
    #expect(throws: Reader.Malformed(offset: 0, reason: .magic(Array("070707".utf8)))) {
      try events(Array("070707".utf8) + [UInt8](repeating: 0x30, count: 104))
    }
  }

  /// `initramfs_test_hdr_hex`.
  @Test func `a digit that is none is refused by recent kernels, and ends a number for others`()
    throws
  {
    var bytes = file("a", [1, 2])
    // c_nlink: old kernels read 0x1.
    bytes.replaceSubrange(38..<46, with: Array("0x1 0000".utf8))
    #expect(throws: Reader.Malformed(offset: 39, reason: .digit(UInt8(ascii: "x")))) {
      try events(bytes)
    }
    #expect(try events(bytes, digits: .lenient) == ["entry a ", "data 2"])
    let header = try Header(bytes.span, digits: .lenient)
    #expect(header.linkCount == 1)
    #expect(header.dataSize == 2)
  }

  @Test func `modes have 16 bits and devices 12 and 20, as the kernel keeps them`() throws {
    let bytes = file("n", mode: 0xFFF2_01B6) {
      $0.specialDevice = Device(major: 0x1001, minor: 0x20_0003)
    }
    var reader = Reader()
    var index = 0
    let event = try reader.next(in: bytes.span, from: &index)
    #expect(event == .entry)
    #expect(reader.entry.mode == 0x01B6)
    #expect(reader.entry.specialDevice == Device(major: 3, minor: 3))
  }

  @Test func `every prefix of an archive is read without an error`() throws {
    for count in 0..<Self.sample.count {
      _ = try events(Array(Self.sample.prefix(count)))
    }
  }
}
