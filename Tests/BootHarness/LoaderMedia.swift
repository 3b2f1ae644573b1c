// SPDX-License-Identifier: MIT

import Foundation
import SystemPackage
import TestSupport

/// Disks and servers for the files that a boot loader reads.
extension LoaderBoot {
  /// Makes an ISO image of the medium.
  ///
  /// - Parameter words: The program that makes it, and its first arguments.
  func makeISO(_ words: String...) throws -> FilePath {
    let iso = directory.path.appending("medium.iso")
    _ = try Command(words + ["-o", iso.string, medium.string]).output()
    return iso
  }

  /// Makes a disk with the medium in a FAT file system: an EFI system partition without a partition
  /// table, which UEFI accepts.
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

  /// The protocol that serves the medium over QEMU's network.
  enum Server: CaseIterable, Sendable {
    case tftp, http

    /// The medium's URL, with the last `/`; empty for TFTP, where paths are relative to the boot
    /// loader.
    var prefix: String { self == .tftp ? "" : "http://10.0.2.100/" }
  }

  /// Boots from the network: QEMU's DHCP names `file`, which its TFTP serves.
  ///
  /// - Parameters:
  ///   - others: More arguments for QEMU.
  ///   - rom: Whether the card has iPXE; otherwise the firmware loads `file`.
  func runFromNetwork(
    _ file: String, _ others: [String] = [], rom: Bool = true
  ) async throws -> Outcome {
    // QEMU starts busybox for each connection, as inetd would.
    let server = "guestfwd=tcp:10.0.2.100:80-cmd:\(Place.busybox) httpd -i -h \(medium)"
    return try await run(
      [
        "-netdev", "user,id=net,tftp=\(medium),bootfile=\(file),\(server)",
        "-device", "virtio-net-pci,netdev=net,bootindex=1" + (rom ? "" : ",romfile="),
      ] + others)
  }
}
