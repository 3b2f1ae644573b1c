// SPDX-License-Identifier: MIT

import Compression
import Images
import Initramfs
import OddImages
import TestSupport
import Testing

/// Why `member` is not decoded.
private func failure(_ member: [UInt8], _ codec: Codec) throws -> Decoder.Failure? {
  try Decoded(member, codec).failure
}

@Suite struct FailureTests {
  @Test func `the codec's library says what is wrong with the data`() throws {
    // A block of a type that there is not: RFC 1951, 3.2.3.
    let gzip: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0x07]
    #expect(
      try failure(gzip, .gzip)?.description
        == "found damaged gzip data (invalid block type), expected whole gzip data")
    // A reserved block: RFC 8878, 3.1.1.2.2.
    let zstd: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x20, 1, 0x07, 0, 0]
    let damaged = try #require(try failure(zstd, .zstd))
    #expect(
      damaged.description
        == "found damaged zstd data (Data corruption detected), expected a whole zstd frame")
    #expect(damaged.kernelMessage?.description == "ZSTD-compressed data is corrupt")
  }

  @Test func `a failure names its length or number`() throws {
    let lz4: [UInt8] = [0x02, 0x21, 0x4C, 0x18, 0xFF, 0xFF, 0xFF, 0x7F]
    #expect(
      try failure(lz4, .lz4)?.description
        == "found a chunk that is too long, or another member (2147483647 bytes), "
        + "expected whole lz4 data, then its end or four zero bytes")

    var lzo = try Compressor.lzo.compress([1, 2, 3])
    // The first block's length is behind the header, whose name has its length at 33.
    let block = 38 + Int(lzo[33])
    #expect(Array(lzo[block..<(block + 4)]) == [0, 0, 0, 3])
    lzo[block + 1] = 16
    #expect(
      try failure(lzo, .lzo)?.description
        == "found a block that is too long (1048579 bytes), expected whole lzop data")
  }

  @Test func `failures are equal if all that they say is`() throws {
    let gzip = try #require(try failure([0x1F, 0x8B], .gzip))
    #expect(try gzip == failure([0x1F, 0x8B, 8], .gzip))
    #expect(try gzip != failure([0x28, 0xB5], .zstd))
    var other = gzip
    other.kernelMessage = nil
    #expect(gzip != other)
    other = gzip
    other.detail = .bytes(1)
    #expect(gzip != other)
    #expect(gzip.isTruncated)
    #expect(!gzip.isOutOfMemory)

    let one: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0x07]
    #expect(try failure(one, .gzip) == failure(one, .gzip))
    // "invalid stored block lengths" instead of "invalid block type".
    let two: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0x01, 1, 1, 1, 1]
    #expect(try failure(two, .gzip) != failure(one, .gzip))
  }
}
