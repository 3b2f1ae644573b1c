// SPDX-License-Identifier: MIT

import Compression
import Images
import Testing

@Suite struct CodecTests {
  @Test func `the kernel has seven compressors, each with an option of its own`() {
    #expect(
      Codec.allCases.compactMap(\.kernelOption) == [
        "CONFIG_RD_GZIP", "CONFIG_RD_BZIP2", "CONFIG_RD_LZMA", "CONFIG_RD_XZ", "CONFIG_RD_LZO",
        "CONFIG_RD_LZ4", "CONFIG_RD_ZSTD",
      ])
    #expect(Codec.raw.kernelOption == nil)
  }

  @Test(arguments: Codec.allCases)
  func `a codec is found by each of its magics, and not by a part of it`(codec: Codec) {
    for magic in codec.magics {
      #expect(Codec(magicOf: magic) == codec)
      #expect(Codec(magicOf: magic.dropLast()) == nil)
    }
  }

  @Test func `the lz4 frame format is not the kernel's lz4`() {
    #expect(Codec(magicOf: [0x04, 0x22, 0x4D, 0x18]) == nil)
  }
}
