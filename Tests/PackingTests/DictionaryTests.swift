// SPDX-License-Identifier: MIT

import Encoders
import Samples
import Testing

/// What a decoder of xz must allocate: .xz format, 5.3.1 "LZMA2".
@Suite struct DictionaryTests {
  /// Of the filter of the first block: behind the stream's header of 12 bytes there are the size of
  /// the block's header, its flags, the filter's number, the size of its properties, and these.
  private func dictionary(_ level: Int, _ content: [UInt8], size: Int?) throws -> Int {
    let encoder = try Encoder(.xz(level: level), size: size)
    try encoder.write(content)
    let member = try encoder.finish()
    #expect(try filter(member, "xz", "-dc").elementsEqual(content))
    #expect(member[14] == 0x21 && member[15] == 1)
    let bits = Int(member[16])
    return (2 | bits & 1) << (bits / 2 + 11)
  }

  private struct Case {
    let level: Int
    let size: Int?
    let expected: Int
  }

  /// In KiB.
  private static let cases: [Case] = [
    Case(level: 0, size: nil, expected: 256), Case(level: 6, size: nil, expected: 8192),
    Case(level: 7, size: nil, expected: 8192), Case(level: 9, size: nil, expected: 8192),
    Case(level: 9, size: 65536, expected: 8192), Case(level: 9, size: 8192, expected: 8192),
    Case(level: 9, size: 1024, expected: 1024), Case(level: 6, size: 3072, expected: 3072),
    Case(level: 6, size: 0, expected: 4), Case(level: 0, size: 1024, expected: 256),
  ]

  @Test func `a dictionary has at most 8 MiB, and no more than its member`() throws {
    let content = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    for one in Self.cases {
      let found = try dictionary(one.level, content, size: one.size.map { $0 << 10 })
      #expect(found == one.expected << 10, "\(one)")
    }
  }
}
