// SPDX-License-Identifier: MIT

import Files
public import Images
public import Packing
public import SystemPackage

/// Several images in one file, as a boot loader with several `initrd` lines places them in memory.
public enum Initrd {
  /// Writes `first`, if any, and `images`, in that order, to the new file `output`.
  ///
  /// Images are separated by zero bytes up to a multiple of 4, where a raw archive must start, and
  /// four more: the kernel's lz4 reader reads four bytes past its own member and ends at zero
  /// bytes.
  /// - Throws: ``FileError``; `CancellationError`.
  public static func write(
    _ first: Segment?, _ images: [Image], into output: FilePath
  ) throws {
    let file = try OutputFile(output)
    if let first { try file.write(first.bytes) }
    for image in images {
      try file.write(contentsOf: image.parts, image.name)
      try file.write([UInt8](repeating: 0, count: Int(-image.parts.size & 3) + 4))
    }
    try file.commit(permissions: .ownerReadWrite)
  }
}
