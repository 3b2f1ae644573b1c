// SPDX-License-Identifier: MIT

package import Files

/// U-Boot's legacy image format, which mkimage(1) writes: a header followed by the data.
///
/// Source: U-Boot, include/image.h, `struct legacy_img_hdr`. Numbers are big-endian.
package struct UBootImage {
  /// The ramdisk.
  package let ramdisk: FilePiece

  static let magic: [UInt8] = [0x27, 0x05, 0x19, 0x56]
  private static let headerSize = 64
  private static let typeOffset = 30
  private static let ramdiskType = 3

  /// Reads the header; nil if `file` is not such an image.
  /// - Throws: ``FileError`` if it is not a ramdisk, or is truncated.
  package init?(_ file: InputFile) throws(FileError) {
    let header = try file.bytes(at: 0, count: Self.headerSize)
    guard header.starts(with: Self.magic) else { return nil }
    guard header.count == Self.headerSize else {
      throw FileError(
        file.path, offset: file.size, found: "the end of the file",
        expected: "more of the U-Boot header at 0")
    }
    guard header[Self.typeOffset] == Self.ramdiskType else {
      throw FileError(
        file.path, "is a U-Boot image of type \(header[Self.typeOffset]), not a ramdisk (type 3)")
    }
    let size = header[12..<16].reduce(0) { $0 << 8 | Int64($1) }
    ramdisk = FilePiece(offset: Int64(Self.headerSize), size: size)
    guard ramdisk.end <= file.size else {
      throw FileError(
        file.path, offset: file.size, found: "the end of the file",
        expected: "\(size) bytes of the ramdisk at \(Self.headerSize)")
    }
  }
}
