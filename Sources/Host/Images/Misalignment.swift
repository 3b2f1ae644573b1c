// SPDX-License-Identifier: MIT

/// A raw archive that the kernel does not recognise because its offset is not a multiple of 4:
/// there, the kernel takes its first bytes for those of an unknown compressor (init/initramfs.c,
/// `unpack_to_rootfs`).
enum Misalignment {
  /// Whether a raw archive begins with these bytes.
  static func isArchive(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: "070701".utf8) || bytes.starts(with: "070702".utf8)
  }

  static let found = "a newc archive"

  /// What the archive at `offset` lacks, with the remedy.
  static func expected(_ offset: Int64) -> String {
    let missing = -offset & 3
    return "alignment: a newc archive begins at a multiple of 4; insert \(missing) zero "
      + "\(missing == 1 ? "byte" : "bytes") before it"
  }
}
