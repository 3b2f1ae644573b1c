// SPDX-License-Identifier: MIT

import Images
import Newc
import Packing
import Samples
import SystemPackage
import TestSupport
import Testing

/// The kernel looks for x86 microcode before it unpacks anything, with a scan of its own.
@Suite struct MicrocodeTests {
  private static let name = "kernel/x86/microcode/GenuineIntel.bin"

  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// The bytes of an image that is wrapped.
  private func wrapped(_ image: [UInt8]) throws -> [UInt8] {
    try Image(path: try directory.file("image", image)).wrap(
      with: leaf(in: directory), into: directory.path.appending("out"))
    return try directory.bytes("out")
  }

  @Test func `microcode before a compressed image is found in the wrapped one too`() throws {
    let microcode: [UInt8] = [1, 2, 3, 4, 5]
    let image = try archive(Self.name, microcode) + zstd
    #expect(findCpioData(Self.name, in: image) == microcode)
    #expect(findCpioData(Self.name, in: try wrapped(image)) == microcode)
  }

  @Test func `microcode behind padding is found in the wrapped image too`() throws {
    let image = [UInt8](repeating: 0, count: 512) + (try archive(Self.name, [9])) + zstd
    #expect(findCpioData(Self.name, in: try wrapped(image)) == [9])
  }

  @Test func `a compressed archive before it would hide it`() throws {
    let image = try archive(Self.name, [9])
    #expect(findCpioData(Self.name, in: zstd + [0, 0, 0] + image) == nil)
  }
}

/// lib/earlycpio.c, `find_cpio_data`, step by step.
private func findCpioData(_ path: String, in data: [UInt8]) -> [UInt8]? {
  var position = 0
  while data.count - position > Header.size {
    if data[position] == 0 {
      // "All cpio headers need to be 4-byte aligned."
      position += 4
      continue
    }
    let head = Array(data[position...].prefix(Header.size))
    guard let header = try? Header(head.span) else { return nil }

    let name = position + Header.size
    let content = (name + Int(header.nameSize) + 3) & ~3
    let next = (content + Int(header.dataSize) + 3) & ~3
    guard next <= data.count else { return nil }
    let isFile = header.mode & 0o170000 == 0o100000
    if isFile, data[name..<(name + Int(header.nameSize) - 1)].elementsEqual(path.utf8) {
      return Array(data[content..<(content + Int(header.dataSize))])
    }
    position = next
  }
  return nil
}
