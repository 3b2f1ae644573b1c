// SPDX-License-Identifier: MIT

public import Files

/// The sections of a unified kernel image: an EFI program with a kernel and its initramfs.
///
/// Source: Microsoft, PE Format, "Section Table"; UAPI Group, UKI specification.
public struct UnifiedKernelImage: Sendable {
  private var sections: [[UInt8]: FilePiece] = [:]

  /// Reads the section table of `file`; nil if it is not an EFI program with a kernel or an
  /// initramfs.
  /// - Throws: ``FileError`` if a section extends past the end of the file.
  public init?(_ file: InputFile) throws(FileError) {
    guard try file.bytes(at: 0, count: 2) == Array("MZ".utf8),
      let header = number(try file.bytes(at: 0x3C, count: 4)),
      case let coff = try file.bytes(at: header, count: 24), coff.count == 24,
      coff.starts(with: "PE\0\0".utf8)
    else { return nil }
    let count = Int(coff[6]) | Int(coff[7]) << 8
    let start = header + 24 + (Int64(coff[20]) | Int64(coff[21]) << 8)
    let table = try file.bytes(at: start, count: count * Self.rowSize)

    // The sections for all profiles come first, then those of each profile; the first profile is
    // the default.
    var profiles = 0
    for row in stride(from: 0, to: table.count / Self.rowSize * Self.rowSize, by: Self.rowSize) {
      let name = Array(table[row..<row + 8].prefix { $0 != 0 })
      if name.elementsEqual(".profile".utf8) { profiles += 1 }
      if profiles > 1 { break }
      sections[name] = try Self.piece(name, Array(table[row..<row + Self.rowSize]), file)
    }
    if linux == nil, initrd.isEmpty { return nil }
  }

  private static let rowSize = 40

  private static func piece(
    _ name: [UInt8], _ row: [UInt8], _ file: InputFile
  ) throws(FileError) -> FilePiece? {
    guard let used = number(Array(row[8..<12])), let stored = number(Array(row[16..<20])),
      let offset = number(Array(row[20..<24])), stored > 0
    else { return nil }
    // The stored size includes padding.
    let piece = FilePiece(offset: offset, size: used > 0 ? min(used, stored) : stored)
    guard piece.end <= file.size else {
      throw FileError(
        file.path, offset: file.size, found: "the end of the file",
        expected: "more of the section \(String(decoding: name, as: UTF8.self)) at \(offset)")
    }
    return piece
  }

  /// The kernel.
  public var linux: FilePiece? { sections[Array(".linux".utf8)] }

  /// The names of the sections that make up the initramfs, in the order in which the kernel gets
  /// them: systemd-stub(7).
  public var initrd: [(name: String, piece: FilePiece)] {
    [".ucode", ".initrd"].compactMap { name in
      sections[Array(name.utf8)].map { (name, $0) }
    }
  }
}

/// Reads four bytes as a little-endian number.
private func number(_ bytes: [UInt8]) -> Int64? {
  bytes.count == 4 ? bytes.reversed().reduce(0) { $0 << 8 | Int64($1) } : nil
}
