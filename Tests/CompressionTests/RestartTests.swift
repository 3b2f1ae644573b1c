// SPDX-License-Identifier: MIT

import Compression
import OddImages
import TestSupport
import Testing

/// A decoder that decodes one member after the other.
@Suite struct RestartTests {
  /// More than one buffer holds.
  private static let sample = Array((1...100_000).map { "\($0)\n" }.joined().utf8)

  @Test func `after any member the next one is decoded as by a new decoder`() throws {
    let member = try Compressor.zstd.compress(Self.sample)
    let small = try Compressor.zstd.compress([1, 2, 3])
    var damaged = member
    for index in (member.count / 2)..<(member.count / 2 + 8) { damaged[index] = ~damaged[index] }
    let new = try Decoder(.zstd)
    #expect(try Decoded(member, new).failure == nil)

    let decoder = try Decoder(.zstd)
    for before in [small, member, damaged, Array(member.prefix(member.count / 2)), [], [0x28]] {
      #expect(try Decoded(before, decoder).failure == Decoded(before, .zstd).failure)
      #expect(decoder.restart())

      let decoded = try Decoded(member, decoder)
      #expect(decoded.bytes.elementsEqual(Self.sample))
      #expect(decoded.failure == nil)
      #expect(decoder.workspace == new.workspace)
      #expect(decoder.restart())
      #expect(decoder.workspace == 0)
    }
  }

  @Test func `a restarted decoder refuses what a new one refuses`() throws {
    var rules = Decoder.Rules()
    rules.takesEmptyZstd = false
    let decoder = try Decoder(.zstd, rules)
    let empty: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x20, 0, 1, 0, 0]
    for _ in 0..<2 {
      #expect(
        try Decoded(empty, decoder).failure?.found.description == "a zstd frame without content")
      #expect(decoder.restart())
    }
  }

  @Test(arguments: Compressor.allCases)
  func `a decoder that cannot restart says so`(compressor: Compressor) throws {
    let member = try compressor.compress(Self.sample)
    let decoder = try Decoder(try #require(Codec(kernelMagic: member[0], member[1])))
    #expect(try Decoded(member, decoder).bytes.elementsEqual(Self.sample))
    #expect(decoder.restart() == (compressor == .zstd))
  }
}
