// SPDX-License-Identifier: MIT

import TestSupport

/// Streams that a compressor's format allows but the kernel may not.
enum Streams {
  static func images() throws -> [OddImage] {
    try gzip() + bzip2() + xz() + lzma() + lzo() + lz4() + zstd() + chunks()
  }

  private static func content(_ name: String) -> [UInt8] {
    archive([
      .directory(name),
      .file(
        "\(name)/f", String(repeating: "some content of \(name), again and again. ", count: 99)),
    ])
  }

  private static func image(
    _ name: String, _ make: ([UInt8]) throws -> [UInt8]
  ) rethrows -> OddImage {
    OddImage(name, try make(content(name)))
  }

  /// `bytes` with a byte inverted at `offset`, which counts from the end if negative.
  private static func flipped(_ bytes: [UInt8], at offset: Int) -> [UInt8] {
    var bytes = bytes
    bytes[offset < 0 ? bytes.count + offset : offset] ^= 0xFF
    return bytes
  }

  private static func gzip() throws -> [OddImage] {
    func flagged(_ name: String, _ flags: UInt8, _ fields: [UInt8]) throws -> OddImage {
      try image(name) {
        var bytes = try Compressor.gzip.compress($0)
        bytes[3] = flags
        return bytes[..<10] + fields + bytes[10...]
      }
    }
    return try [
      flagged("gzip-text", 1, []), flagged("gzip-hcrc", 2, [0, 0]),
      flagged("gzip-extra", 4, [4, 0, 1, 2, 3, 4]), flagged("gzip-name", 8, [0x61, 0x62, 0]),
      flagged("gzip-comment", 16, [0x63, 0]), flagged("gzip-both", 24, [0x61, 0, 0x63, 0]),
      flagged("gzip-reserved", 32, []), flagged("gzip-all", 31, [0, 0, 0x61, 0, 0x63, 0, 0, 0]),
      flagged("gzip-long-name", 8, [UInt8](repeating: 0x61, count: 5000) + [0]),
      image("gzip-crc") { flipped(try Compressor.gzip.compress($0), at: -8) },
      image("gzip-length") { flipped(try Compressor.gzip.compress($0), at: -4) },
      image("gzip-no-crc") { Array(try Compressor.gzip.compress($0).dropLast(8)) }
        .explained(.damagedData),
      image("gzip-half-crc") { Array(try Compressor.gzip.compress($0).dropLast(4)) }
        .explained(.damagedData),
      image("gzip-method") { flipped(try Compressor.gzip.compress($0), at: 2) },
      image("gzip-old") { [0x1F, 0x9E] + (try Compressor.gzip.compress($0).dropFirst(2)) },
      image("gzip-fast") { try Compressor.gzip.compress($0, "-1") },
      image("gzip-middle") { flipped(try Compressor.gzip.compress($0), at: 60) }
        .explained(.damagedData),
    ]
  }

  private static func bzip2() throws -> [OddImage] {
    try [
      image("bzip2-1") { try Compressor.bzip2.compress($0, "-1") },
      image("bzip2-crc") { flipped(try Compressor.bzip2.compress($0), at: 10) }
        .explained(.damagedData),
      image("bzip2-total") { flipped(try Compressor.bzip2.compress($0), at: -2) }
        .explained(.damagedData),
      image("bzip2-level-0") {
        var bytes = try Compressor.bzip2.compress($0)
        bytes[3] = UInt8(ascii: "0")
        return bytes
      },
      image("bzip2-level-x") { flipped(try Compressor.bzip2.compress($0), at: 3) },
      image("bzip2-h") { flipped(try Compressor.bzip2.compress($0), at: 2) },
      image("bzip2-middle") { flipped(try Compressor.bzip2.compress($0), at: 60) }
        .explained(.damagedData),
    ]
  }

  private static func xz() throws -> [OddImage] {
    try ["none", "crc32", "crc64", "sha256"].map { check in
      try image("xz-check-\(check)") { try Compressor.xz.compress($0, "--check=\(check)") }
    } + [
      image("xz-blocks") { try Compressor.xz.compress($0, "--block-size=1000") },
      image("xz-sizes") { try Compressor.xz.compress($0, "-T2", "--block-size=1000") },
      image("xz-x86") { try Compressor.xz.compress($0, "--x86", "--lzma2") },
      image("xz-arm") { try Compressor.xz.compress($0, "--arm", "--lzma2") },
      image("xz-arm64") {
        try Compressor.xz.compress($0, "--check=crc32", "--arm64", "--lzma2")
      },
      image("xz-delta") { try Compressor.xz.compress($0, "--delta=dist=4", "--lzma2") },
      image("xz-powerpc") { try Compressor.xz.compress($0, "--powerpc", "--lzma2") },
      image("xz-two-filters") { try Compressor.xz.compress($0, "--x86", "--delta", "--lzma2") },
      image("xz-pb") { try Compressor.xz.compress($0, "--lzma2=lc=0,lp=2,pb=0") },
      image("xz-dict-64M") { try Compressor.xz.compress($0, "--lzma2=dict=64MiB") },
      image("xz-dict-256M") { try Compressor.xz.compress($0, "--lzma2=dict=256MiB") }.alone,
      image("xz-crc") { flipped(try Compressor.xz.compress($0, "--lzma2"), at: -40) }
        .explained(.damagedData),
      image("xz-footer") { flipped(try Compressor.xz.compress($0), at: -1) }
        .explained(.damagedData),
      image("xz-header") { flipped(try Compressor.xz.compress($0), at: 8) },
      image("xz-middle") { flipped(try Compressor.xz.compress($0), at: 60) }
        .explained(.damagedData),
      image("xz-padding") { try Compressor.xz.compress($0) + zeros(4) },
    ]
  }

  private static func lzma() throws -> [OddImage] {
    try [
      image("lzma-1") { try Compressor.lzma.compress($0, "-1") },
      image("lzma-9") { try Compressor.lzma.compress($0, "-9") },
      image("lzma-sized") {
        // A size instead of -1, which makes the end marker unnecessary.
        var bytes = try Compressor.lzma.compress($0)
        let count = UInt64($0.count)
        for byte in 0..<8 { bytes[5 + byte] = UInt8(truncatingIfNeeded: count >> (8 * byte)) }
        return bytes
      }.explained(.lzmaMarker),
      image("lzma-sized-short") {
        var bytes = try Compressor.lzma.compress($0)
        for byte in 0..<8 { bytes[5 + byte] = byte == 0 ? 200 : 0 }
        return bytes
      }.explained(.damagedData),
      image("lzma-pb") { try Compressor.lzma.compress($0, "--lzma1=lc=0,lp=2,pb=0") },
      image("lzma-lc") { try Compressor.lzma.compress($0, "--lzma1=lc=4,lp=0,pb=4") },
      image("lzma-middle") { flipped(try Compressor.lzma.compress($0), at: 60) }
        .explained(.damagedData),
    ]
  }

  private static func lzo() throws -> [OddImage] {
    try [
      image("lzo-1") { try Compressor.lzo.compress($0, "-1") },
      image("lzo-9") { try Compressor.lzo.compress($0, "-9") },
      image("lzo-no-check") { try Compressor.lzo.compress($0, "-F") },
      image("lzo-crc32") { try Compressor.lzo.compress($0, "--crc32") },
      image("lzo-name") { try Compressor.lzo.compress($0, "-N") },
      image("lzo-header") { flipped(try Compressor.lzo.compress($0), at: 33) },
      image("lzo-version") { flipped(try Compressor.lzo.compress($0), at: 9) },
      image("lzo-last") { flipped(try Compressor.lzo.compress($0), at: -7) },
      image("lzo-middle") { flipped(try Compressor.lzo.compress($0), at: 90) }
        .explained(.damagedData),
    ]
  }

  private static func lz4() throws -> [OddImage] {
    try [
      image("lz4-frame") {
        try Command(["lz4", "-cq"], input: $0).output()
      },
      image("lz4-9") { try Compressor.lz4.compress($0, "-9") },
      image("lz4-two-magics") { [2, 0x21, 0x4C, 0x18] + (try Compressor.lz4.compress($0)) },
      image("lz4-no-end") { try Compressor.lz4.compress($0) },
      image("lz4-two-chunks") { bytes in
        let half = bytes.count / 2
        return try Compressor.lz4.compress(Array(bytes[..<half]))
          + Compressor.lz4.compress(Array(bytes[half...]))
      },
      image("lz4-short") { Array(try Compressor.lz4.compress($0).dropLast(2)) }
        .explained(.damagedData),
      image("lz4-long") { bytes in
        var packed = try Compressor.lz4.compress(bytes)
        packed[4] &+= 1
        return packed
      },
      image("lz4-magic") { flipped(try Compressor.lz4.compress($0), at: 3) },
      image("lz4-middle") { flipped(try Compressor.lz4.compress($0), at: 120) }
        .explained(.damagedData),
    ]
  }

  private static func zstd() throws -> [OddImage] {
    let skippable: [UInt8] = [0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]
    return try [
      image("zstd-19") { try Compressor.zstd.compress($0, "-19") },
      image("zstd-no-check") { try Compressor.zstd.compress($0, "--no-check") },
      image("zstd-check") { flipped(try Compressor.zstd.compress($0, "--check"), at: -1) }
        .explained(.damagedData),
      image("zstd-long-27") { try Compressor.zstd.compress($0, "--long=27") },
      image("zstd-ultra-31") { try Compressor.zstd.compress($0, "--ultra", "--long=31") }
        .explained(.damagedData),
      image("zstd-skippable-before") { skippable + (try Compressor.zstd.compress($0)) },
      image("zstd-skippable-behind") { try Compressor.zstd.compress($0) + skippable },
      image("zstd-header") { flipped(try Compressor.zstd.compress($0), at: 4) }
        .explained(.damagedData),
      image("zstd-middle") { flipped(try Compressor.zstd.compress($0), at: 100) }
        .explained(.damagedData),
    ]
  }

  /// Records that begin just before 32 KiB, where the kernel's gzip reader passes on its first
  /// piece.
  private static func chunks() throws -> [OddImage] {
    func image(_ name: String, before count: Int, _ record: OddRecord) throws -> OddImage {
      let head = archive([.directory(name)], trailer: false)
      let filler = OddRecord.file("\(name)/filler").bytes.count
      let size = (32768 - count - head.count - filler) & ~3
      let first = OddRecord.file("\(name)/filler", String(repeating: "f", count: size))
      return OddImage(
        name,
        try Compressor.gzip.compress(
          head + first.bytes + record.bytes + archive([.file("\(name)/after", "after")])))
    }
    return try [4, 60, 108, 112, 120].map { count in
      let name = "chunk-\(count)"
      return try image(name, before: count, .file("\(name)/x", "across the border"))
    } + [
      image(
        "chunk-skipped", before: 60,
        .directory("chunk-skipped/x").with { ($0.nameSize, $0.name) = (0, [0, 0]) }
      ).explained(.staleHeader)
    ]
  }
}
