// SPDX-License-Identifier: MIT

import Newc
public import Packing
public import TestSupport

/// Returns a raw archive with one file of this name and content.
public func archive(_ name: String, _ data: [UInt8]) throws -> [UInt8] {
  var bytes: [UInt8] = []
  var writer = Writer()
  try writer.append(Entry(name: Array(name.utf8), mode: 0o100644), data: data, to: &bytes)
  writer.appendTrailer(to: &bytes)
  return bytes
}

/// Returns the header of an ELF program for `machine`, followed by varying bytes: enough to pack.
public func elf(machine: UInt8 = 62, count: Int = 1000) -> [UInt8] {
  var bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
  bytes.replaceSubrange(0..<8, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0])
  bytes.replaceSubrange(16..<20, with: [2, 0, machine, 0])
  return bytes
}

/// Returns a leaf segment of ``elf(machine:count:)``, whose file is in `directory`.
public func leaf(in directory: TemporaryDirectory, modificationTime: UInt32 = 0) throws -> Segment {
  let program = try GuestInit(try directory.file("init", elf()), for: .x86)
  return Segment.leaf(program, modificationTime: modificationTime)
}

/// The first bytes of a zstd image, to be used where nothing reads further.
public let zstd: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 1, 2, 3, 4, 5]

/// Returns `count` bytes with `text` at `offset`.
public func placed(_ text: String, at offset: Int, count: Int) -> [UInt8] {
  var bytes = [UInt8](repeating: 0x2A, count: count)
  bytes.replaceSubrange(offset..<(offset + text.utf8.count), with: Array(text.utf8))
  return bytes
}
