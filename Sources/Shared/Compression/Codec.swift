// SPDX-License-Identifier: MIT

/// How a member of an initramfs is encoded: raw, or by one of the kernel's seven compressors.
///
/// Source: Linux, lib/decompress.c (`compressed_formats`) and usr/Kconfig.
// Without a raw value: the guest would compare, and hash, strings.
public enum Codec: CaseIterable, Sendable {
  case raw, gzip, bzip2, lzma, xz, lzo, lz4, zstd

  /// The codec whose magic `bytes` begin with, or nil.
  ///
  /// The kernel chooses by the first two bytes; the chosen decompressor then insists on the rest of
  /// the magic.
  public init?(magicOf bytes: some Collection<UInt8>) {
    let codec = Codec.allCases.first { codec in
      codec.magics.contains { bytes.starts(with: $0) }
    }
    guard let codec else { return nil }
    self = codec
  }

  /// The codec that the kernel chooses by a member's first two bytes, or nil; never raw.
  public init?(kernelMagic first: UInt8, _ second: UInt8) {
    let codec = Codec.allCases.first { codec in
      codec != .raw && codec.magics.contains { $0[0] == first && $0[1] == second }
    }
    guard let codec else { return nil }
    self = codec
  }

  /// The magics that a member in this codec can begin with.
  public var magics: [[UInt8]] {
    switch self {
    case .raw: [Array("070701".utf8), Array("070702".utf8)]
    case .gzip: [[0x1F, 0x8B], [0x1F, 0x9E]]
    case .bzip2: [Array("BZh".utf8)]
    case .lzma: [[0x5D, 0x00, 0x00]]
    case .xz: [[0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]]
    case .lzo: [[0x89, 0x4C, 0x5A]]
    // The legacy frame. The kernel refuses today's frame format (04 22 4D 18).
    case .lz4: [[0x02, 0x21, 0x4C, 0x18]]
    case .zstd: [[0x28, 0xB5, 0x2F, 0xFD]]
    }
  }

  /// What a truncated member lacks.
  var rest: StaticString {
    switch self {
    case .raw: "more of the raw member"
    case .gzip: "more of the gzip member"
    case .bzip2: "more of the bzip2 member"
    case .lzma: "more of the lzma member"
    case .xz: "more of the xz member"
    case .lzo: "more of the lzo member"
    case .lz4: "more of the lz4 member"
    case .zstd: "more of the zstd member"
    }
  }
}
