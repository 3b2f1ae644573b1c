// SPDX-License-Identifier: MIT

import Files
import Glibc
import Newc
import Packing
import Samples
import SystemPackage
import TestSupport
import Testing

@Suite struct SegmentTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test func `the leaf segment is one file of root's, executable, and the trailer`() throws {
    let bytes = try leaf(in: directory, modificationTime: 1_700_000_000).bytes
    let header = try Header(bytes.span)
    #expect(header.mode == 0o100755)
    #expect((header.userID, header.groupID) == (0, 0))
    #expect(header.linkCount == 1)
    #expect(header.modificationTime == 1_700_000_000)
    #expect(header.dataSize == 1000)
    #expect(Array(bytes[110..<119]) == Array("leafroot".utf8) + [0])
    #expect(Array(bytes[120..<1120]) == elf())
    #expect(Array(bytes[1230..<1241]) == Array("TRAILER!!!".utf8) + [0])
    #expect(bytes[1241...].allSatisfy { $0 == 0 })
  }

  @Test(arguments: 0..<8)
  func `a segment fills whole blocks of 512 bytes, and no more than it needs`(extra: Int) throws {
    for count in [200, 512, 1000] {
      let data = [UInt8](repeating: 1, count: count + extra)
      let segment = try Segment([(Entry(name: [0x61], mode: 0o100644), data)])
      let needed = 112 + (data.count + 3) / 4 * 4 + 124
      #expect(segment.bytes.count % 512 == 0)
      #expect((0..<512).contains(segment.bytes.count - needed))
    }
  }

  @Test func `the bare segment is a file that everybody can read`() throws {
    let segment = try leaf(in: directory)
    try segment.write(to: directory.path.appending("leaf.img"))
    #expect(try directory.bytes("leaf.img") == segment.bytes)
    #expect(try directory.permissions("leaf.img") == 0o644)
  }

  @Test func `a program for another machine is refused`() throws {
    let path = try directory.file("init", elf(machine: 183))
    #expect(
      throws: FileError(path, "is for aarch64, not for x86_64")
    ) { try GuestInit(path, for: .x86) }
    #expect(try GuestInit(path, for: .arm).bytes == elf(machine: 183))
    let other = try directory.file("other", elf(machine: 243))
    #expect(
      throws: FileError(other, "is for riscv64, not for aarch64")
    ) { try GuestInit(other, for: .arm) }
    #expect(try GuestInit(other, for: .riscv).bytes == elf(machine: 243))
  }

  @Test func `what is no program is refused`() throws {
    let path = try directory.file("init", zstd)
    #expect(
      throws: FileError(path, "is not a 64-bit ELF program")
    ) { try GuestInit(path, for: .x86) }
  }

  @Test(arguments: [(63, false), (64, true), (16 << 20, true), ((16 << 20) + 1, false)])
  func `a program has at least an ELF header, and at most 16 MiB`(
    size: Int, isProgram: Bool
  ) throws {
    let path = try directory.file("init", elf(count: min(size, 1000)))
    try #require(truncate(path.string, size) == 0)
    let program = try? GuestInit(path, for: .x86)
    #expect(program?.bytes.count == (isProgram ? size : nil))
    guard let program else { return }
    let segment = Segment.leaf(program).bytes
    #expect(segment.count % 512 == 0 && segment.count - size < 1024)
  }
}
