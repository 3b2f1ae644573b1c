// SPDX-License-Identifier: MIT

import Foundation
import SystemPackage
import TestSupport

/// Disks with what a boot loader reads.
extension LoaderBoot {
  /// An ISO image of the medium.
  ///
  /// - Parameter words: the program that makes it, and its first arguments.
  func makeISO(_ words: String...) throws -> FilePath {
    let iso = directory.path.appending("medium.iso")
    _ = try Command(words + ["-o", iso.string, medium.string]).output()
    return iso
  }

  /// A disk with a FAT file system that has the medium: an EFI system partition without the
  /// partition table, which UEFI accepts.
  func makeDisk() throws -> FilePath {
    let disk = directory.path.appending("medium.disk")
    let names = try FileManager.default.subpathsOfDirectory(atPath: medium.string)
    let size = try names.reduce(0) { sum, name in
      let attributes = try FileManager.default.attributesOfItem(
        atPath: medium.appending(name).string)
      return sum + (attributes[.size] as? Int ?? 0)
    }
    let sectors = (size + (40 << 20)) / 512
    _ = try Command(["mformat", "-C", "-F", "-i", disk.string, "-T", "\(sectors)", "::"]).output()
    let top = try FileManager.default.contentsOfDirectory(atPath: medium.string)
    _ = try Command(["mcopy", "-s", "-i", disk.string] + top + ["::"], in: medium).output()
    return disk
  }

  /// Boots the medium as a disk.
  func runDisk() async throws -> Outcome {
    try await run(["-drive", "format=raw,file=\(makeDisk())"])
  }
}
