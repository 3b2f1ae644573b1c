// SPDX-License-Identifier: MIT

import Newc
import Testing

/// What applies to writing of the kernel's own cases, init/initramfs_test.c, and what its
/// `do_header` would drop in silence.
@Suite struct WriterTests {
  private func file(_ name: String) -> Entry { Entry(name: Array(name.utf8), mode: 0o100644) }

  /// What a refused entry leaves in the sink, and why it was refused.
  private func refusal(of entry: Entry, data: [UInt8] = []) throws -> Writer.Refusal? {
    var sink: [UInt8] = []
    var writer = Writer()
    do {
      try writer.append(entry, data: data, to: &sink)
      return nil
    } catch {
      #expect(sink.isEmpty, "a refused entry writes nothing")
      return error
    }
  }

  @Test(arguments: 0...9)
  func `every record and its data begin at a multiple of 4`(extra: Int) throws {
    var sink: [UInt8] = []
    var writer = Writer()
    let name = String(repeating: "n", count: extra + 1)
    let data = [UInt8](repeating: 0xFF, count: extra)
    try writer.append(file(name), data: data, to: &sink)
    #expect(sink.count % 4 == 0)

    let head = (Header.size + name.utf8.count + 1 + 3) / 4 * 4
    #expect(Array(sink[head..<(head + extra)]) == data)
    #expect(sink[(head + extra)...].allSatisfy { $0 == 0 })
  }

  @Test func `the name size counts the NUL`() throws {
    var sink: [UInt8] = []
    var writer = Writer()
    try writer.append(file("four"), to: &sink)
    #expect(try Header(sink.span).nameSize == 5)
    #expect(Array(sink[110..<115]) == Array("four".utf8) + [0])
  }

  @Test func `inode numbers count from 1 in each archive`() throws {
    var writer = Writer()
    for _ in 1...2 {
      for expected in 1...3 {
        var sink: [UInt8] = []
        try writer.append(file("f"), to: &sink)
        #expect(try Header(sink.span).inode == UInt32(expected))
      }
      var end: [UInt8] = []
      writer.appendTrailer(to: &end)
      #expect(end.count == 124)
    }
  }

  @Test func `the same entries give the same bytes`() throws {
    func archive() throws -> [UInt8] {
      var sink: [UInt8] = []
      var writer = Writer()
      try writer.append(file("a"), data: [1, 2, 3], to: &sink)
      try writer.append(file("b"), to: &sink)
      writer.appendTrailer(to: &sink)
      return sink
    }
    #expect(try archive() == archive())
  }

  @Test func `the names of one file share the inode that the caller gave`() throws {
    var entry = file("a")
    entry.linkCount = 2
    #expect(try refusal(of: entry) == .linkWithoutInode)
    entry.inode = 77
    #expect(try refusal(of: entry) == nil)
  }

  @Test func `a directory of many subdirectories needs no inode`() throws {
    #expect(try refusal(of: Entry(name: [0x64], mode: 0o040755, linkCount: 9)) == nil)
  }

  /// `initramfs_test_fname_path_max`.
  @Test func `a name of PATH_MAX bytes with its NUL is written, one more is refused`() throws {
    let longest = String(repeating: "d/", count: 2047) + "f"
    #expect(longest.utf8.count == 4095)
    #expect(try refusal(of: file(longest)) == nil)
    #expect(try refusal(of: file(longest + "f")) == .nameTooLong(4097))
  }

  @Test func `a component of 255 bytes is written, one of 256 is refused`() throws {
    #expect(try refusal(of: file("d/" + String(repeating: "c", count: 255))) == nil)
    #expect(
      try refusal(of: file("d/" + String(repeating: "c", count: 256))) == .componentTooLong(256))
  }

  @Test func `a name of any bytes but NUL is written`() throws {
    #expect(try refusal(of: Entry(name: Array(1...46) + Array(48...255), mode: 0o100644)) == nil)
    #expect(try refusal(of: Entry(name: [0x61, 0, 0x62], mode: 0o100644)) == .nameHoldsNUL)
    #expect(try refusal(of: Entry(name: [], mode: 0o100644)) == .nameEmpty)
  }

  @Test func `a file cannot be named as the trailer, but beside it it can`() throws {
    #expect(try refusal(of: file("TRAILER!!!")) == .nameIsTrailer)
    #expect(try refusal(of: file("./TRAILER!!!")) == nil)
  }

  @Test func `type bits that no file has are refused`() throws {
    #expect(try refusal(of: Entry(name: [0x61], mode: 0o755)) == .typeUnknown(mode: 0o755))
    #expect(try refusal(of: Entry(name: [0x61], mode: 0o030755)) == .typeUnknown(mode: 0o030755))
  }

  @Test(arguments: [0o040755, 0o020600, 0o060600, 0o010644, 0o140755] as [UInt32])
  func `only files and symbolic links have data`(mode: UInt32) throws {
    let entry = Entry(name: [0x61], mode: mode)
    #expect(try refusal(of: entry, data: [1]) == .dataUnexpected(1))
    #expect(try refusal(of: entry) == nil)
  }

  @Test func `a link's target has 1 to 4095 bytes`() throws {
    let link = Entry(name: [0x6C], mode: 0o120777)
    #expect(try refusal(of: link) == .targetLength(0))
    #expect(try refusal(of: link, data: [UInt8](repeating: 0x78, count: 4095)) == nil)
    #expect(
      try refusal(of: link, data: [UInt8](repeating: 0x78, count: 4096)) == .targetLength(4096))
  }

  @Test func `a file of 4 GiB less one byte can be announced, one of 4 GiB is refused`() throws {
    var sink: [UInt8] = []
    var writer = Writer()
    var entry = file("big")
    entry.size = UInt64(UInt32.max)
    try writer.appendHead(of: entry, to: &sink)
    #expect(try Header(sink.span).dataSize == UInt32.max)
    #expect(Writer.padding(after: entry.size).count == 1)

    entry.size += 1
    #expect(throws: Writer.Refusal.dataTooLarge(1 << 32)) {
      try writer.appendHead(of: entry, to: &sink)
    }
  }
}
