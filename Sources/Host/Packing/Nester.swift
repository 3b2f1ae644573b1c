// SPDX-License-Identifier: MIT

import BootFacts
public import Files
public import Images
import Leaf
public import SystemPackage

/// Nests an image: the unchanged image is the payload.
public struct Nester: Sendable {
  /// The modification time of LeafRoot's own files, in seconds since 1970.
  public var modificationTime: UInt32 = 0

  private static let programNames = [Image.leafName, "init"]

  public init() {}

  /// Writes `image` with `program` as PID 1 to the new file `output`.
  ///
  /// - Parameter inspection: The inspection of the image.
  /// - Returns: The number of bytes written.
  /// - Throws: ``FileError``; `CancellationError`. `output` is then unchanged.
  public func write(
    _ image: Image, _ inspection: Inspection, _ program: GuestInit, into output: FilePath
  ) throws -> Int64 {
    var writer = PayloadWriter(try OutputFile(output), modificationTime: modificationTime)
    try writer.begin()
    try writer.write(program, names: Self.programNames)
    try writer.write(image)
    var about = PayloadManifest()
    let totals = inspection.totals
    about.tree = PayloadManifest.Tree(
      entries: totals.names, bytes: Int(clamping: totals.bytes),
      pages: [totals.pages, totals.pages16, totals.pages64].map { Int(clamping: $0) })
    about.decoder = inspection.workspace
    return try writer.finish(about, permissions: image.permissions)
  }

  /// Writes `program` as PID 1 and an empty directory for the payload to the new file `output`,
  /// mode 0644; the boot loader adds the image.
  ///
  /// - Returns: The number of bytes written.
  /// - Throws: ``FileError``; `output` is then unchanged.
  public func writeSegment(
    _ program: GuestInit, into output: FilePath
  ) throws(FileError) -> Int64 {
    var writer = PayloadWriter(
      try OutputFile(output), modificationTime: modificationTime, name: "\(Vocabulary.nested)")
    try writer.begin()
    try writer.write(program, names: Self.programNames)
    return try writer.finish(
      PayloadManifest(), permissions: [.ownerReadWrite, .groupRead, .otherRead])
  }
}
