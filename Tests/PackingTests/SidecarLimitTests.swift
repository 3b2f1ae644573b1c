// SPDX-License-Identifier: MIT

import Encoders
import Files
import Images
import Initramfs
import Newc
import Samples
import SystemPackage
import TestSupport
import Testing

@testable import Importing
@testable import Packing

/// How much a sidecar carries.
@Suite struct SidecarLimitTests {
  private let directory: TemporaryDirectory
  private let program: GuestInit
  private let out: FilePath

  init() throws {
    directory = try TemporaryDirectory()
    program = try GuestInit(try directory.file("program", elf(count: 1001)), for: .x86)
    out = directory.path.appending("out")
  }

  /// Large values, and sets that take less than what is counted besides.
  @Test(arguments: [(9000, 260, 2), (60_000, 0, 4)])
  func `the sets of a sidecar have a limit, and what is different everywhere comes all the same`(
    records: Int, size: Int, forgets: Int
  ) throws {
    var writer = SidecarWriter()
    let extras = (0..<records).map {
      Extra(xattrs: [
        Xattr(
          name: Array("security.ima".utf8),
          value: Array("\($0)".utf8) + [UInt8](repeating: 3, count: size))
      ])
    }
    for extra in extras { writer.add(extra) }
    let text = writer.take()
    #expect(text.count < 7_000_000)
    func read(_ offset: Int64, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
      let rest = text.dropFirst(Int(offset)).prefix(buffer.count)
      buffer.copyBytes(from: rest)
      return rest.count
    }
    var reader = SidecarReader()
    var different = 0
    for extra in extras where try reader.next(read) != extra { different += 1 }
    #expect(different == 0)
    try reader.finish(read)
    #expect(String(decoding: text, as: UTF8.self).split(separator: "forget\n").count == forgets + 1)
  }

  @Test func `a file in more pieces than a line has room for loses its smallest holes`() throws {
    let extents = (0..<40_000 as Range<UInt64>).map { Extent(offset: $0 * 8192, count: 1) }
    let map = try #require(SparseMap(size: 8192 * 40_000, data: extents))
    #expect(map.extents.count <= SparseMap.extentLimit)
    for extent in extents {
      #expect(map.extents.contains { $0.offset <= extent.offset && extent.end <= $0.end })
    }
    #expect(SparseMap(size: 10_000, data: [Extent(offset: 0, count: 10_000)]) == nil)
    #expect(SparseMap(size: 4096, data: [Extent(offset: 100, count: 1)]) == nil)
    #expect(SparseMap(size: 4097, data: [Extent(offset: 100, count: 1)]) != nil)
  }

  @Test func `a file with 4 GiB of data is refused, one with fewer in 5 GiB is not`() throws {
    func file(_ count: UInt64) -> TreeFile {
      let entry = Entry(name: Array("f".utf8), mode: 0o100644, size: 6 << 30)
      let map = SparseMap(size: 6 << 30, extents: [Extent(offset: 4096, count: count)])
      return TreeFile(names: [entry.name], entry: entry, target: [], seconds: 0, sparse: map)
    }
    let packer = Packer(.none, jobs: 1, memberSize: 1)
    let error = #expect(throws: FileError.self) {
      try packer.write(FakeTree(files: [file(1 << 32)]), program, into: out)
    }
    #expect(
      error?.description
        == "\(out): newc holds files with less than 4 GiB of data: 'f' has 4294967296 bytes")
    let short = #expect(throws: FileError.self) {
      try packer.write(FakeTree(files: [file(1 << 32 - 1)]), program, into: out)
    }
    #expect(short?.description.contains("has changed while it was read") == true)
  }

  private func file(_ name: String, _ xattrs: [(name: String, size: Int)]) -> TreeFile {
    let entry = Entry(name: Array(name.utf8), mode: 0o100644)
    return TreeFile(
      names: [entry.name], entry: entry, target: [], seconds: 0,
      xattrs: xattrs.map {
        Xattr(name: Array($0.name.utf8), value: [UInt8](repeating: 0xFF, count: $0.size))
      })
  }

  /// XATTR_NAME_MAX and XATTR_SIZE_MAX: include/uapi/linux/limits.h.
  @Test(arguments: [(255, 1, true), (256, 1, false), (10, 65_536, true), (10, 65_537, false)])
  func `an xattr has a name of at most 255 bytes, and a value of 65,536`(
    nameSize: Int, size: Int, isPacked: Bool
  ) throws {
    let name = "trusted." + String(repeating: "n", count: nameSize - 8)
    let summary = try Packer(.none, jobs: 1, memberSize: 1).write(
      FakeTree(files: [file("f", [(name, size)])]), program, into: out)
    #expect(try sidecars(of: out).isEmpty != isPacked)
    #expect(summary.unsettableXattrs.count == (isPacked ? 0 : 1))
  }

  @Test func `of the xattrs that no tmpfs takes the first is kept, and all are counted`() throws {
    let files = [
      file("a", [("user.a", 1)]), file("b", [("one.b", 1), ("user.b", 1), ("two.b", 1)]),
      file("c", [("three.c", 1)]),
    ]
    let summary = try Packer(.none, jobs: 1, memberSize: 1).write(
      FakeTree(files: files), program, into: out)
    #expect(summary.unsettableXattrs.count == 3)
    #expect(summary.unsettableXattrs.first?.path == Array("b".utf8))
    #expect(summary.unsettableXattrs.first?.name == Array("one.b".utf8))
  }

  @Test func `xattrs of 256 KiB with their names are packed and read, of a byte more refused`()
    throws
  {
    func file(_ last: Int) -> TreeFile {
      self.file("f", (0..<4).map { ("trusted.\($0)", $0 < 3 ? 65_536 : last) })
    }
    let most = (256 << 10) - 3 * 65_536 - 4 * 9
    let packer = Packer(.none, jobs: 1, memberSize: 1)
    _ = try packer.write(FakeTree(files: [file(most)]), program, into: out)
    let sidecar = try #require(try payloadFiles(of: out).first { $0.name.hasSuffix(".extra") })
      .bytes
    var reader = SidecarReader()
    let extra = try reader.next { (offset, buffer) throws(Never) in
      let rest = sidecar.dropFirst(Int(offset)).prefix(buffer.count)
      buffer.copyBytes(from: rest)
      return rest.count
    }
    #expect(extra?.xattrs == file(most).xattrs)
    #expect(throws: FileError.self) {
      try packer.write(FakeTree(files: [file(most + 1)]), program, into: out)
    }
  }

  @Test func `more xattrs than a line has room for are refused`() throws {
    func file(_ count: Int) -> TreeFile {
      self.file("f", (0..<count).map { ("trusted.\($0)", 64 << 10) })
    }
    let packer = Packer(.none, jobs: 1, memberSize: 1)
    _ = try packer.write(FakeTree(files: [file(3)]), program, into: out)
    #expect(try Image(path: out).payloads[0].members.contains { $0.piece.sidecar != nil })
    let error = #expect(throws: FileError.self) {
      try packer.write(FakeTree(files: [file(4)]), program, into: out)
    }
    #expect(
      error?.description
        == "\(out): 'f' has 262180 bytes of extended attributes, at most 262144 are packed")
  }
}
