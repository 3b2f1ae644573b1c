// SPDX-License-Identifier: MIT

package import Files

/// A kind of file that people mistake for an initramfs, and how to recognise it.
package struct Lookalike {
  /// The name of the kind, for errors.
  let name: String
  /// The offset of its magic number in the file.
  let offset: Int
  /// The magic number.
  let magic: [UInt8]

  private init(_ name: String, at offset: Int = 0, _ magic: [UInt8]) {
    self.name = name
    self.offset = offset
    self.magic = magic
  }

  private init(_ name: String, at offset: Int = 0, ascii magic: StaticString) {
    self.init(name, at: offset, magic.withUTF8Buffer(Array.init))
  }

  /// What `file` looks like; nil if unknown. Magic numbers at high offsets go first, since such
  /// files may begin with anything (a bootable ISO image with an MBR, an EFI kernel with `MZ`).
  package static func name(of file: InputFile) throws(FileError) -> String? {
    if file.size == 0 { return "an empty file" }
    for lookalike in all {
      let bytes = try file.bytes(at: Int64(lookalike.offset), count: lookalike.magic.count)
      if bytes == lookalike.magic { return lookalike.name }
    }
    return nil
  }

  private static let all: [Lookalike] = [
    // ECMA-119: the first volume descriptor is in sector 16, its identifier at byte 1.
    Lookalike("an ISO 9660 image", at: 0x8001, ascii: "CD001"),
    // ext4: s_magic, at 0x38 in the superblock, which is at 1024.
    Lookalike("an ext file system", at: 0x438, [0x53, 0xEF]),
    // Documentation/arch/x86/boot.rst; Documentation/arch/arm64/booting.rst;
    // Documentation/arch/riscv/boot-image-header.rst.
    Lookalike("an x86 kernel (bzImage)", at: 0x202, ascii: "HdrS"),
    Lookalike("an arm64 kernel (Image)", at: 0x38, ascii: "ARM\u{64}"),
    Lookalike("a riscv64 kernel (Image)", at: 0x38, ascii: "RSC\u{5}"),
    // POSIX pax, ustar interchange format.
    Lookalike("a tar archive", at: 257, ascii: "ustar"),
    Lookalike("an EROFS file system", at: 1024, [0xE2, 0xE1, 0xF5, 0xE0]),

    Lookalike("an ELF program", [0x7F, 0x45, 0x4C, 0x46]),
    Lookalike("an EFI program", ascii: "MZ"),
    Lookalike("a squashfs file system", ascii: "hsqs"),
    Lookalike("an old cpio archive (070707)", ascii: "070707"),
    Lookalike("an old cpio archive (binary)", [0xC7, 0x71]),
    Lookalike("an old cpio archive (binary)", [0x71, 0xC7]),
    Lookalike("an lz4 frame, not a legacy one (lz4 -l)", [0x04, 0x22, 0x4D, 0x18]),
    Lookalike("a zstd skippable frame", [0x50, 0x2A, 0x4D, 0x18]),
    Lookalike("a flattened device tree (FIT image)", [0xD0, 0x0D, 0xFE, 0xED]),
    // system/tools/mkbootimg, include/bootimg/bootimg.h.
    Lookalike("an Android boot image", ascii: "ANDROID!"),
    Lookalike("an Android vendor boot image", ascii: "VNDRBOOT"),
    Lookalike("a zip archive", ascii: "PK\u{3}\u{4}"),
    Lookalike("a qcow2 disk image", [0x51, 0x46, 0x49, 0xFB]),
  ]
}
