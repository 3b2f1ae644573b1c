// SPDX-License-Identifier: MIT

import Encoders
import Fidelity
import Foundation
import Samples
import Testing

/// The shortest match of a zstd member: what makes it smaller.
@Suite struct MatchLengthTests {
  private func sizes(_ level: Int, _ content: [UInt8]) throws -> (ours: Int, library: Int) {
    let encoder = try Encoder(.zstd(level: level), size: content.count)
    try encoder.write(content)
    let member = try encoder.finish()
    #expect(try filter(member, "zstd", "-dc").elementsEqual(content))
    return (member.count, try filter(content, "zstd", "-c", "-\(level)").count)
  }

  /// As apt's lists: lines that repeat, and digests, in which 5 digits are often the same by chance.
  private static let records: [UInt8] = {
    var random = SplitMix(seed: 1)
    let text = (0..<8000).map { number in
      let digits = (0..<64).map { _ in String(random.next() >> 60, radix: 16) }
      return
        "Package: lib\(number)\nArchitecture: amd64\nSection: libs\nSHA256: \(digits.joined())\n\n"
    }
    return Array(text.joined().utf8)
  }()

  @Test(arguments: [5, 10, 15]) func `records of text are smaller than by the library's choice`(
    _ level: Int
  ) throws {
    let sizes = try sizes(level, Self.records)
    #expect(sizes.ours < sizes.library * 99 / 100, "\(sizes)")
  }

  @Test(arguments: [5, 10, 15]) func `a program is as small as by the library's choice`(
    _ level: Int
  ) throws {
    let program = try [UInt8](Data(contentsOf: URL(filePath: "/bin/bash")))
    let sizes = try sizes(level, program)
    #expect(sizes.ours <= sizes.library * 1001 / 1000, "\(sizes)")
  }

  /// No middle to look at, or levels that choose by themselves.
  @Test(arguments: [(1, 100_000), (10, 0), (10, 1), (10, 100), (19, 100_000)])
  func `others are as the library makes them`(_ level: Int, _ size: Int) throws {
    let sizes = try sizes(level, Array(Self.records.prefix(size)))
    #expect(sizes.ours <= sizes.library + 8, "\(sizes)")
  }
}
