// SPDX-License-Identifier: MIT

import BootFacts
package import Files

/// What is squashed in the payloads of an image.
public struct PackedSquashfs: Equatable, Sendable {
  /// The directories, without a leading slash.
  public var directories: [[UInt8]]
  /// The size of the squashfs in bytes, which stays in memory.
  public var size: Int64
  /// The names in it.
  public var entries: Int
  /// The bytes of content in it, before compression.
  public var bytes: Int
  /// The releases of the kernels for which there are modules to mount it, or that have them built
  /// in.
  public var kernels: [String]

  /// - Parameter other: That of the payloads before; kernels must be able to mount both.
  init(
    _ image: FilePiece, _ about: PayloadManifest, kernels: [String],
    besides other: PackedSquashfs?
  ) {
    directories = (other?.directories ?? []) + about.squash
    size = (other?.size ?? 0) + image.size
    entries = (other?.entries ?? 0) + (about.squashed?.entries ?? 0)
    bytes = (other?.bytes ?? 0) + (about.squashed?.bytes ?? 0)
    self.kernels = other.map { $0.kernels.filter(kernels.contains) } ?? kernels
  }

  /// The directories with a leading slash.
  public var names: [String] { directories.map { "/" + String(decoding: $0, as: UTF8.self) } }

  /// Why a kernel of this release does not boot the image; nil if it does.
  public func complaint(about release: String) -> String? {
    if kernels.contains(release) { return nil }
    let others = kernels.isEmpty ? "none" : "only those for \(kernels.joined(separator: ", "))"
    let directories = names.joined(separator: ", ")
    return
      "Linux \(release) cannot mount \(directories): the image has no modules for it, \(others)"
  }
}

/// The content of a squashfs as members of an image.
package struct SquashMembers {
  /// The file that the members are in.
  package let file: InputFile
  package let pieces: [FilePiece]

  package init(file: InputFile, pieces: [FilePiece]) {
    self.file = file
    self.pieces = pieces
  }
}
