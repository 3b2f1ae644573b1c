// SPDX-License-Identifier: MIT

import Files
import Images
import OddImages
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries

/// Which images a boot loader loads, told by what is in them.
@Suite struct LoadedImagesTests {
  private let directory = try! TemporaryDirectory()

  static let plain = archive([.file("init", "#!", 0o755), .file("data", "content")])
  static let leaf = archive([.file("leafroot", "program", 0o755)])
  static let nest = archive([
    .file("leafroot", "program", 0o755), .link("init", to: "/leafroot"), .directory(".leafroot"),
    .directory(".leafroot/nested"), .file(".leafroot/nested/about", ""),
  ])
  static let overlay = archive([.file("data", "other")])
  /// As a hook leaves it: PID 1 is not in a first raw archive.
  static let hooked = try! Compressor.zstd.compress(
    archive([.file("init", "#!", 0o755), .file("leafroot", "program", 0o755)]))

  static func packed(_ id: String = "0123456789abcdef", file: String = "packed") -> [UInt8] {
    archive([
      .file("leafroot", "program", 0o755), .link("init", to: "/leafroot"),
      .directory(".leafroot"), .directory(".leafroot/\(id)"),
      .file(".leafroot/\(id)/0000").with { $0.data = plain + archive([.file(file, "content")]) },
      .file(".leafroot/\(id)/about", "members 0\n"),
    ])
  }

  private func load(_ images: [UInt8]...) throws -> LoadedImages {
    try LoadedImages(
      images.enumerated().map { number, bytes in try directory.file("image\(number)", bytes) })
  }

  @Test func `PID 1 is in a segment, before the image or after, or where a hook put it`() throws {
    #expect(try load(Self.plain).form == .plain)
    #expect(try load(Self.leaf, Self.plain).form == .wrapped)
    #expect(try load(Self.leaf + Self.plain).form == .wrapped)
    #expect(try load(Self.overlay, Self.leaf, Self.plain).form == .wrapped)
    #expect(try load(Self.hooked).form == .wrapped)
    #expect(try load(Self.packed()).form == .packed)
    #expect(try load(Self.packed(), Self.overlay).form == .packed)
    #expect(try load(Self.packed(), Self.leaf).form == .packed)
  }

  @Test func `packed and nested images compose with each other and with any other`() throws {
    let images = try load(
      Self.overlay, Self.packed("a", file: "a"), Self.nest, Self.plain, Self.packed("b", file: "b"))
    #expect(images.form == .nested)
    #expect(images.damage == [])
    // init, data, a, b.
    #expect(images.payload?.totals.files == 4)
    // One image twice is no more than the image.
    let twice = try load(Self.packed(), Self.packed())
    #expect(twice.payload?.totals == (try load(Self.packed())).payload?.totals)
  }

  @Test func `the image behind the segment of nest is its payload, the next one is not`() throws {
    let images = try load(Self.overlay, Self.nest, Self.plain, Self.overlay)
    #expect(images.form == .nested)
    #expect(images.files.map(\.injectedAs) == [nil, nil, "/.leafroot/nested/0000", nil])
    #expect(images.damage == [])
    // What the kernel unpacks, with the image as a file; and what PID 1 unpacks.
    #expect(images.inspection.totals.files == 4)
    #expect(images.inspection.totals.bytes == UInt64(7 + 5 + Self.plain.count))
    #expect(images.payload?.totals.files == 2)
  }

  @Test func `what would spoil a packed image is refused`() throws {
    for (images, reason) in [
      ([Self.nest, Self.leaf + Self.plain], "image1: is already wrapped: it has /leafroot"),
      ([Self.nest, Self.packed()], "image1: is already packed: it has /.leafroot"),
      (
        [Self.nest, Self.plain, Self.overlay, Self.nest, Self.plain],
        "image4: two images would be /.leafroot/nested/0000: nest one of them with 'leafroot nest "
          + "IMAGE -o OUT'"
      ),
      ([unifiedKernelImage([(".initrd", Self.plain)])], "image0: no boot loader unpacks .initrd"),
      ([Self.nest], "image0: is the segment of nest: name the image to be nested after it"),
    ] {
      let paths = try images.enumerated().map { try directory.file("image\($0)", $1) }
      let error = #expect(throws: FileError.self) { try LoadedImages(paths) }
      #expect(error.map { "\($0)".contains(reason) } == true, "\(error as Any)")
    }
  }

  @Test func `an /init behind a packed image takes the place of the one that starts PID 1`() throws
  {
    for (images, expected) in [
      ([Self.packed(), Self.plain], true), ([Self.nest, Self.plain, Self.plain], true),
      ([Self.packed(), Self.overlay], false), ([Self.nest, Self.plain], false),
      ([Self.plain, Self.packed()], false), ([Self.leaf, Self.plain], false),
      ([Self.packed("a"), Self.packed("b")], false),
      ([Self.packed(), Self.leaf, Self.plain], true),
    ] {
      let paths = try images.enumerated().map { try directory.file("image\($0)", $1) }
      let loaded = try LoadedImages(paths)
      #expect(loaded.replacesInit == expected)
      let entry = try BootEntry(loaded, for: .qemu)
      #expect(
        entry.parameters.contains("rdinit=/leafroot") == (expected || loaded.form == .wrapped))
    }
  }

  @Test func `the memory is the one of all images together`() throws {
    let large = archive([.file("large", String(repeating: "x", count: 50 << 20))])
    let one = try load(Self.leaf, Self.plain)
    let both = try load(Self.leaf, Self.plain, large)
    // The file, its copy in the image, and as much again for the limit of rootfs.
    #expect(both.memory.least > one.memory.least + 70)
    #expect(try #require(both.memory.large) < both.memory.least)

    // The kernel takes three times the payload and 50 MiB.
    let nested = try load(Self.nest, large)
    #expect((200...215).contains(nested.memory.least), "\(nested.memory)")
    #expect(nested.memory.large == nil)
  }

  @Test func `damage has its place in the image that has it`() throws {
    let broken = Array(Self.plain.dropLast(150))
    for first in [Self.leaf, Self.nest] {
      let damage = try load(first, broken).damage
      #expect(damage.map(\.path.lastComponent) == ["image1"])
      #expect("\(damage)".contains("offset \(broken.count): found the end of the file"))
    }
  }

  @Test func `microcode in a nested image is hidden from the kernel`() throws {
    let early = archive([
      .directory("kernel"), .directory("kernel/x86"), .directory("kernel/x86/microcode"),
      .file("kernel/x86/microcode/GenuineIntel.bin", "code"),
    ])
    #expect(try load(Self.nest, early + Self.plain).hidesMicrocode)
    #expect(try !load(early, Self.nest, Self.plain).hidesMicrocode)
    #expect(try !load(Self.leaf, early + Self.plain).hidesMicrocode)
  }
}
