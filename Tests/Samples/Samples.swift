// SPDX-License-Identifier: MIT

import Newc
public import Packing
public import TestSupport

/// A raw archive with one file of that name and content.
public func archive(_ name: String, _ data: [UInt8]) throws -> [UInt8] {
  var bytes: [UInt8] = []
  var writer = Writer()
  try writer.append(Entry(name: Array(name.utf8), mode: 0o100644), data: data, to: &bytes)
  writer.appendTrailer(to: &bytes)
  return bytes
}

/// The header of an ELF program for a machine, and some bytes that differ: enough to be put in.
public func elf(machine: UInt8 = 62, count: Int = 1000) -> [UInt8] {
  var bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
  bytes.replaceSubrange(0..<8, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0])
  bytes.replaceSubrange(16..<20, with: [2, 0, machine, 0])
  return bytes
}

/// A leaf segment of ``elf(machine:count:)``, made in `directory`.
public func leaf(in directory: TemporaryDirectory, modificationTime: UInt32 = 0) throws -> Segment {
  let program = try GuestInit(try directory.file("init", elf()), for: .x86)
  return Segment.leaf(program, modificationTime: modificationTime)
}

/// The first bytes of a zstd image; nothing looks at the rest.
public let zstd: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 1, 2, 3, 4, 5]

/// `text` at `offset` in `count` bytes of something else.
public func placed(_ text: String, at offset: Int, count: Int) -> [UInt8] {
  var bytes = [UInt8](repeating: 0x2A, count: count)
  bytes.replaceSubrange(offset..<(offset + text.utf8.count), with: Array(text.utf8))
  return bytes
}
