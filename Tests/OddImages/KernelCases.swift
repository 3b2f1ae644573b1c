// SPDX-License-Identifier: MIT

/// The cases of the kernel's own init/initramfs_test.c, as of Linux 7.0, one to one. Only these use
/// names outside a directory of their own.
enum KernelCases {
  static var images: [OddImage] {
    [
      extract, fnameOverrun, data, checksum, checksumBroken, hardLink, many, fnamePad,
      fnamePathMax, headerHex,
    ]
  }

  private static func file(
    _ name: String, _ data: String = "", inode: UInt32 = 1
  ) -> OddRecord {
    OddRecord(name, mode: 0o100777, data: data).with { ($0.inode, $0.time) = (inode, 1) }
  }

  static var extract: OddImage {
    OddImage(
      "initramfs_test_extract",
      archive([
        file("initramfs_test_extract").with { ($0.user, $0.group, $0.time) = (12, 34, 56) },
        OddRecord("initramfs_test_extract_dir", mode: 0o040777).with {
          ($0.inode, $0.time) = (2, 57)
        },
      ]))
  }

  /// The name's NUL and the padding after it are overwritten: "malformed archive".
  static var fnameOverrun: OddImage {
    var bytes = archive([file("initramfs_test_fname_overrun")], trailer: false)
    while let last = bytes.lastIndex(of: 0), last > 110 { bytes[last] = UInt8(ascii: "P") }
    return OddImage("initramfs_test_fname_overrun", bytes)
  }

  static var data: OddImage {
    OddImage(
      "initramfs_test_data", archive([file("initramfs_test_data", "ASDF")], trailer: false))
  }

  private static func sums(_ name: String, off: UInt32) -> OddImage {
    OddImage(
      name,
      archive(
        [
          file(name, "ASDF").summed.with { $0.check -= off },
          file("\(name)_not_here", "ASDF", inode: 2).with { $0.check = 5555 },
        ], trailer: false))
  }

  static var checksum: OddImage { sums("initramfs_test_csum", off: 0) }

  /// The file and its content remain; what follows is lost.
  static var checksumBroken: OddImage { sums("initramfs_test_csum_broken", off: 1) }

  static var hardLink: OddImage {
    OddImage(
      "initramfs_test_hardlink",
      archive(
        [
          file("initramfs_test_hardlink").linked(1),
          file("initramfs_test_hardlink_link", "ASDF").linked(1),
        ], trailer: false))
  }

  static var many: OddImage {
    let files = (0..<1000).map { file("initramfs_test_many-\($0)", inode: UInt32($0)) }
    return OddImage("initramfs_test_many", archive(files, trailer: false))
  }

  /// The name is padded with NULs, so that the data begins at 4 KiB in the archive.
  static var fnamePad: OddImage {
    let text = "this file data is aligned at 4K in the archive\0"
    let padded = file("padded_fname", text).with { $0.name += zeros(4096 - 110 - $0.name.count) }
    return OddImage("initramfs_test_fname_pad", archive([padded], trailer: false))
  }

  /// A name longer than PATH_MAX is skipped; one of PATH_MAX is unpacked.
  static var fnamePathMax: OddImage {
    func name(_ start: String, _ size: Int) -> [UInt8] {
      Array((start + String(repeating: "/", count: size - 1 - start.utf8.count)).utf8)
    }
    return OddImage(
      "initramfs_test_fname_path_max",
      archive(
        [
          OddRecord(
            name("fname_oversize", 4097), mode: 0o040777,
            data: Array("this file data will not be unpacked\0".utf8)),
          OddRecord(name("fname_ok", 4096), mode: 0o040777).with { $0.inode = 2 },
        ], trailer: false))
  }

  /// "0x" before the uid, gid and namesize.
  static var headerHex: OddImage {
    func injected(_ record: OddRecord, _ user: String, _ group: String, _ size: String) -> OddRecord
    {
      record.with { $0.overlay = [22: "0x\(user)", 30: "0X\(group)", 94: "0x\(size)"] }
    }
    let text = "this file data will not be unpacked\0"
    return OddImage(
      "initramfs_test_hdr_hex",
      archive(
        [
          injected(file("initramfs_test_hdr_hex_0", text), "123456", "123457", "000019"),
          injected(
            OddRecord("initramfs_test_hdr_hex_1", mode: 0o040777), "000056", "000057", "000019"),
        ], trailer: false)
    ).explained(.digits)
  }
}
