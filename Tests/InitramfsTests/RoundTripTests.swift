// SPDX-License-Identifier: MIT

import Initramfs
import Newc
import Samples
import Testing

/// A source of numbers that repeats.
private struct Numbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}

@Suite struct RoundTripTests {
  /// Records of every type, in sizes and names of every remainder by 4.
  private func image(_ numbers: inout Numbers, _ magic: Header.Magic) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var writer = Writer(magic)
    for index in 0..<Int.random(in: 0...30, using: &numbers) {
      let types: [UInt32] = [0o100, 0o100, 0o100, 0o040, 0o120, 0o020, 0o060, 0o010, 0o140]
      let type = types.randomElement(using: &numbers) ?? 0o100
      var entry = Entry(
        name: Array("\(index)".utf8)
          + [UInt8](repeating: 0xC3, count: Int.random(in: 0...9, using: &numbers)),
        mode: type << 9 | UInt32.random(in: 0...0o7777, using: &numbers),
        userID: .random(in: 0...UInt32.max, using: &numbers), groupID: UInt32(index),
        modificationTime: .random(in: 0...UInt32.max, using: &numbers),
        device: Device(major: 8, minor: UInt32(index % 3)))
      if type == 0o020 || type == 0o060 { entry.specialDevice = Device(major: 4095, minor: 7) }
      let count = Int.random(in: 1...70, using: &numbers)
      let hasData = type == 0o100 || type == 0o120
      let data = hasData ? (0..<count).map { UInt8(truncatingIfNeeded: $0 + 1) } : []
      if type != 0o040, index % 5 == 0 {
        let names = [entry.name, entry.name + [0x62], entry.name + [0x63]]
        try writer.append(entry, names: names, data: data, to: &bytes)
      } else {
        try writer.append(entry, data: data, to: &bytes)
      }
    }
    writer.appendTrailer(to: &bytes)
    return bytes
  }

  /// Every record with its data, in order.
  private func kept(_ image: [UInt8]) throws -> [(entry: Entry, data: [UInt8])] {
    var files: [(entry: Entry, data: [UInt8])] = []
    let reader = ImageReader(Bytes(image))
    while let event = reader.next() {
      switch event {
      case .entry(let record): files.append((record.entry, record.target))
      case .data(let bytes): files[files.count - 1].data += bytes
      default: break
      }
    }
    #expect(reader.summary.refusal == nil)
    return files
  }

  @Test(arguments: [Header.Magic.newc, .crc])
  func `what was written is read, and written again gives the same bytes`(
    magic: Header.Magic
  ) throws {
    var numbers = Numbers(state: 42)
    for _ in 1...300 {
      let first = try image(&numbers, magic)
      let files = try kept(first)
      var second: [UInt8] = []
      var writer = Writer(magic)
      for file in files { try writer.append(file.entry, data: file.data, to: &second) }
      writer.appendTrailer(to: &second)
      #expect(second == first)
    }
  }

  @Test func `an image that others wrote reads the same when it is written again`() throws {
    var archive = Archive()
    archive.add("d", 0o040755) { $0.nameSize = 2 }
    archive.add("f", 0o100644, [1, 2, 3]) {
      $0.magic = .crc
      $0.checksum = 6
    }
    archive.add("g", 0o100644, [4]) {
      $0.linkCount = 2
      $0.inode = 7
    }
    archive.addLink("l", to: "f")
    let image = archive.bytes + [UInt8](repeating: 0, count: 40) + archive.bytes
    let first = try kept(image)
    for magic in [Header.Magic.newc, .crc] {
      var bytes: [UInt8] = []
      var writer = Writer(magic)
      for file in first { try writer.append(file.entry, data: file.data, to: &bytes) }
      let second = try kept(bytes)
      #expect(second.map(\.entry) == first.map(\.entry))
      #expect(second.map(\.data) == first.map(\.data))
    }
  }

  @Test func `the names of a group share an inode, and the last has the data`() throws {
    var bytes: [UInt8] = []
    var writer = Writer(.crc)
    let file = Entry(name: [], mode: 0o100644)
    try writer.append(file, names: [[0x61], [0x62]], data: [200, 100], to: &bytes)
    try writer.append(file, names: [[0x63], [0x64]], data: [3], to: &bytes)
    let files = try kept(bytes)
    #expect(files.map(\.data) == [[], [200, 100], [], [3]])
    #expect(files.map(\.entry.linkCount) == [2, 2, 2, 2])
    #expect(files[0].entry.inode == files[1].entry.inode)
    #expect(files[1].entry.inode != files[2].entry.inode)
    #expect(throws: Writer.Refusal.group(1)) {
      try writer.append(file, names: [[0x61]], to: &bytes)
    }
    let before = bytes
    #expect(throws: Writer.Refusal.nameEmpty) {
      try writer.append(file, names: [[0x65], []], to: &bytes)
    }
    #expect(bytes == before)
  }

  @Test func `a head without the sum of its data is refused in the crc format`() throws {
    var bytes: [UInt8] = []
    var writer = Writer(.crc)
    let file = Entry(name: [0x61], mode: 0o100644, size: 3)
    #expect(throws: Writer.Refusal.sumMissing) { try writer.appendHead(of: file, to: &bytes) }
    try writer.appendHead(of: file, sum: Writer.sum([1, 2], after: Writer.sum([3])), to: &bytes)
    #expect(try Header(bytes.span).checksum == 6)
  }
}
