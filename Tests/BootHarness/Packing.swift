// SPDX-License-Identifier: MIT

import Files
import Images
import Importing
import OddImages
import Packing
import SystemPackage
import TestSupport

// Results that the tool writes to files, as bytes in memory.

extension GuestInit {
  /// Reads PID 1, as built by `make guest`.
  static func built(for architecture: Architecture = .x86) throws -> GuestInit {
    try GuestInit(Place.library.appending("leafroot-init.\(architecture)"), for: architecture)
  }
}

extension Packer {
  /// The image that `leafroot pack` makes of an image.
  func packed(_ image: [UInt8], _ program: GuestInit) throws -> [UInt8] {
    try withFile(image) { try packed(ImageTree(Image(path: $0)), program) }
  }

  /// The image that `leafroot pack` makes of any tree.
  func packed(_ tree: any TreeSource, _ program: GuestInit) throws -> [UInt8] {
    try written { _ = try write(tree, program, into: $0) }
  }
}

extension Nester {
  /// The image that `leafroot nest` makes of an image.
  func nested(_ image: [UInt8], _ program: GuestInit) throws -> [UInt8] {
    try withFile(image) { path in
      let inspection = try Inspection(InputFile(path), of: path)
      return try written { _ = try write(Image(path: path), inspection, program, into: $0) }
    }
  }

  /// The output of `leafroot nest --segment`.
  func segment(_ program: GuestInit) throws -> [UInt8] {
    try written { _ = try writeSegment(program, into: $0) }
  }
}

/// The archive that a boot loader makes of an image after the segment of nest.
func injected(_ image: [UInt8]) -> [UInt8] {
  archive([OddRecord(Array(".leafroot/nested/0000".utf8), mode: 0o100600, data: image)])
}

extension Tool {
  /// The tool with the built guest programs and our kernels, running in `directory`.
  init(booting directory: TemporaryDirectory, _ verb: String...) {
    self.init(in: directory)
    words = verb
    environment["LEAFROOT_LIB"] = Place.library.string
    environment["LEAFROOT_LIBEXEC"] = Place.root.appending("Scripts").string
    environment["TMPDIR"] = directory.path.string
  }
}

/// The memory that `leafroot inspect` predicts for an image.
func memoryNeed(of image: [UInt8]) throws -> MemoryNeed {
  try withFile(image) { try Inspection(InputFile($0), of: $0).memory }
}

private func withFile<Result>(
  _ content: [UInt8], _ body: (FilePath) throws -> Result
) throws -> Result {
  let directory = try TemporaryDirectory()
  let path = try directory.file("image", content)
  return try withExtendedLifetime(directory) { try body(path) }
}

private func written(_ write: (FilePath) throws -> Void) throws -> [UInt8] {
  let directory = try TemporaryDirectory()
  try write(directory.path.appending("output"))
  return try directory.bytes("output")
}
