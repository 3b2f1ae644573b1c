// SPDX-License-Identifier: MIT

import Files
import Images
import Initramfs
import Newc
import OddImages
import SystemPackage
import TestSupport
import Testing

/// Initramfs in other files: unified kernel images and U-Boot's.
@Suite struct ContainerTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func image(_ bytes: [UInt8]) throws -> Image {
    try Image(path: try directory.file("file", bytes))
  }

  /// The message about a file without its directory.
  private func message(_ bytes: [UInt8]) throws -> String? {
    let error = #expect(throws: FileError.self) { try image(bytes) }
    return error?.description.replacing("\(directory.path)/", with: "")
  }

  /// The names that the kernel unpacks.
  private func names(_ image: Image) throws -> [String] {
    var names: [String] = []
    let reader = ImageReader(ImageSequence(image.parts))
    while let event = try reader.next() {
      guard case .entry(let record) = event else { continue }
      names.append(String(decoding: record.entry.name, as: UTF8.self))
      reader.skipData()
    }
    #expect(try image.damage(reader.summary) == nil)
    return names
  }

  private let microcode = archive([.file("kernel/x86/microcode/GenuineIntel.bin", "code")])
  private let tree = archive([.file("init", "#!", 0o755)])

  @Test func `of a unified kernel image the microcode comes before the initramfs`() throws {
    // Both orders of the sections, and sizes that are no multiples of 4.
    let compressed = try Compressor.zstd.compress(tree)
    for content in [tree, compressed, compressed + [0]] {
      for sections in [
        [(".linux", [1, 2, 3]), (".initrd", content), (".ucode", microcode)],
        [(".ucode", microcode), (".initrd", content)],
      ] {
        let image = try image(unifiedKernelImage(sections))
        #expect(image.name.string.hasSuffix("/file: .ucode + .initrd"))
        #expect(try names(image) == ["kernel/x86/microcode/GenuineIntel.bin", "init"])
      }
      let alone = try image(unifiedKernelImage([(".initrd", content)]))
      #expect(alone.name.string.hasSuffix("/file: .initrd"))
      #expect(alone.parts.size == Int64(content.count))
      #expect(try names(alone) == ["init"])
    }
  }

  @Test func `the first profile's section takes the place of the one for all`() throws {
    let other = archive([.file("other", "")])
    for (sections, expected) in [
      ([(".initrd", tree), (".profile", [1]), (".initrd", other)], "other"),
      ([(".initrd", tree), (".profile", [1]), (".profile", [2]), (".initrd", other)], "init"),
    ] {
      #expect(try names(image(unifiedKernelImage(sections))) == [expected])
    }
  }

  @Test func `the error about a section counts from its start`() throws {
    let damaged = Array(tree.prefix(120)) + Array("070709".utf8) + zeros(110)
    let found = try image(unifiedKernelImage([(".initrd", damaged)]))
    let summary = try ImageReader(ImageSequence(found.parts)).finish()
    let damage = try #require(try found.damage(summary))
    #expect(damage.description.contains("/file: .initrd: offset 120: found '070709', expected"))
  }

  @Test func `EFI programs without an initramfs are called what they are`() throws {
    #expect(
      try message(unifiedKernelImage([(".linux", [1])]))
        == "file: is a unified kernel image without an initramfs (.initrd)")
    #expect(
      try message(unifiedKernelImage([(".text", [1])]))
        == "file: is an EFI program, not an initramfs")
    // The header is beyond the end, or not there.
    for bytes in [Array("MZ".utf8), Array("MZ".utf8) + zeros(0x3A) + [0xFF, 0xFF, 0xFF, 0x7F]] {
      #expect(try message(bytes) == "file: is an EFI program, not an initramfs")
    }
    #expect(
      try message(unifiedKernelImage([(".initrd", Array("#!/bin/sh".utf8))]))
        == "file: .initrd: offset 0: found '#!/bin/s', expected newc or a compressed member")
  }

  @Test func `a unified kernel image or a U-Boot image that is cut short is an error`() throws {
    let unified = unifiedKernelImage([(".initrd", tree)])
    let start = unified.count - 512
    #expect(
      try message(Array(unified.prefix(start + tree.count - 1)))
        == "file: offset \(start + tree.count - 1): found the end of the file, expected more of "
        + "the section .initrd at \(start)")
    // Only what pads the section is missing.
    #expect(try names(image(Array(unified.prefix(start + tree.count)))) == ["init"])

    let uBoot = uBootImage(tree)
    #expect(
      try message(uBoot.dropLast())
        == "file: offset \(uBoot.count - 1): found the end of the file, expected \(tree.count) "
        + "bytes of the ramdisk at 64")
    #expect(
      try message(Array(uBoot.prefix(63)))
        == "file: offset 63: found the end of the file, expected more of the U-Boot header at 0")
  }

  @Test func `the ramdisk of a U-Boot image is behind its header, and ends before what follows`()
    throws
  {
    for bytes in [uBootImage(tree), uBootImage(tree) + Array("more".utf8)] {
      let found = try image(bytes)
      #expect(found.name.string.hasSuffix("/file: ramdisk"))
      #expect(found.parts.size == Int64(tree.count))
      #expect(try names(found) == ["init"])
    }
    #expect(
      try message(uBootImage(tree, type: 2))
        == "file: is a U-Boot image of type 2, not a ramdisk (type 3)")
  }
}
