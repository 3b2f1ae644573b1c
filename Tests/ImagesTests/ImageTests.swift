// SPDX-License-Identifier: MIT

import Compression
import Files
import Images
import Initramfs
import Samples
import SystemPackage
import TestSupport
import Testing

@Suite struct ImageTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// The message for a file of these bytes, without its path; nil if it is taken.
  private func message(for bytes: [UInt8]) throws -> String? {
    let path = try directory.file("image", bytes)
    do {
      _ = try Image(path: path)
      return nil
    } catch {
      return "\(error)".replacing("\(path): ", with: "image: ")
    }
  }

  @Test(arguments: Codec.allCases)
  func `an image may begin with any of the kernel's codecs`(codec: Codec) throws {
    for magic in codec.magics where codec != .raw {
      let image = try Image(path: try directory.file("image", magic + [1, 2, 3]))
      #expect(image.leading == codec)
    }
    #expect(try Image(path: try directory.file("image", archive("a", [1]))).leading == .raw)
  }

  @Test(arguments: [4, 512, 5_000_000])
  func `zero bytes may come first`(count: Int) throws {
    let zeros = [UInt8](repeating: 0, count: count)
    #expect(try message(for: zeros + zstd) == nil)
    #expect(try message(for: zeros + archive("a", [1])) == nil)
  }

  @Test func `a compressed member may begin anywhere, a raw one only at a multiple of 4`() throws {
    #expect(try message(for: [0] + zstd) == nil)
    #expect(
      try message(for: [0] + archive("a", [1]))
        == "image: offset 1: found a newc archive, expected alignment: a newc archive begins at "
        + "a multiple of 4; insert 3 zero bytes before it")
  }

  @Test(arguments: [
    ([], "empty"),
    ([UInt8](repeating: 0, count: 9), nil),
    (elf(), "an ELF program"),
    (placed("CD001", at: 0x8001, count: 0x9000), "an ISO 9660 image"),
    ([UInt8](repeating: 0, count: 0x8000) + placed("CD001", at: 1, count: 9), "an ISO 9660 image"),
    (x86Kernel(), "an x86 kernel (bzImage)"),
    (placed("ARMd", at: 0x38, count: 0x40), "an arm64 kernel (Image)"),
    (placed("RSC\u{5}", at: 0x38, count: 0x40), "a riscv64 kernel (Image)"),
    (placed("ustar", at: 257, count: 512), "a tar archive"),
    (Array("070707000000".utf8), "an old cpio archive (070707)"),
    (Array("hsqs....".utf8), "a squashfs file system"),
    ([0x04, 0x22, 0x4D, 0x18, 1], "an lz4 frame, not a legacy one (lz4 -l)"),
    ([0xD0, 0x0D, 0xFE, 0xED, 1], "a flattened device tree (FIT image)"),
    (Array("ANDROID!".utf8), "an Android boot image"),
    (Array("VNDRBOOT".utf8), "an Android vendor boot image"),
  ])
  func `what is no initramfs is named by what it looks like`(bytes: [UInt8], name: String?) throws {
    let expected =
      switch name {
      case nil: "image: has only zero bytes"
      case "empty": "image: is empty"
      case let name?: "image: is \(name), not an initramfs"
      }
    #expect(try message(for: bytes) == expected)
  }

  @Test func `what looks like nothing known is quoted`() throws {
    #expect(
      try message(for: [0, 0] + Array("#!/bin/sh\n".utf8))
        == "image: offset 2: found '#!/bin/s', expected newc or a compressed member")
    #expect(
      try message(for: [0xDE, 0xAD])
        == "image: offset 0: found de ad, expected newc or a compressed member")
  }

  /// The message for an image of these bytes, which begins well; nil if it is whole.
  private func damage(_ bytes: [UInt8]) throws -> String? {
    let path = try directory.file("image", bytes)
    #expect(try !Image(path: path).isWrapped)
    return try ImageReader(InputFile(path)).finish().damage("image")?.description
  }

  @Test func `an error names the place of a damaged header`() throws {
    // One record of 110 + 2 + 4 bytes, then the trailer.
    let whole = try archive("a", [1, 2, 3, 4])
    var bytes = whole
    bytes[116 + 3] = UInt8(ascii: "x")
    #expect(try damage(bytes) == "image: offset 116: found '070x01', expected 070701 or 070702")
    bytes = whole
    bytes[116 + 20] = UInt8(ascii: "g")
    #expect(
      try damage(bytes)
        == "image: offset 136: found 'g', expected a hex digit of a newc header")
    #expect(
      try damage(Array(whole.prefix(120)))
        == "image: offset 120: found the end of the file, expected more of the record at 116")
  }

  @Test func `hostile sizes end the walk and read nothing`() throws {
    var bytes = try archive("a", [1])
    bytes.replaceSubrange(54..<62, with: Array("FFFFFFFF".utf8))
    #expect(try message(for: bytes) == nil)
    bytes.replaceSubrange(94..<102, with: Array("FFFFFFFF".utf8))
    #expect(try message(for: bytes) == nil)
  }

  @Test func `a directory is not an image`() throws {
    #expect(
      throws: FileError(directory.path, "is a directory, not a regular file")
    ) { _ = try Image(path: directory.path) }
  }

  @Test func `a file that is not there is named`() throws {
    let path = directory.path.appending("none")
    #expect(
      throws: FileError(path, cannot: "open", .noSuchFileOrDirectory)
    ) { _ = try Image(path: path) }
  }
}
