// SPDX-License-Identifier: MIT

import Testing

@testable import bench

@Suite struct GrowthTests {
  private func steps(_ seconds: [Int: Double]) -> [Growth.Step] {
    seconds.sorted { $0.key < $1.key }.map { megabytes, uptime in
      Growth.Step(
        files: 1000, bytes: megabytes * 1_000_000, compressed: 1, memory: 512, need: 100,
        wrappedNeed: 100, packedNeed: 90, squashedNeed: 80,
        times: [Growth.Time(variant: .stock, uptime: uptime, own: nil, problem: nil)])
    }
  }

  private func ratio(_ seconds: [Int: Double]) -> Double? {
    steps(seconds).ratio(\.bytes) { $0.uptime(.stock) }
  }

  @Test func `what does not depend on the image does not count`() throws {
    // 2 s, and 1 s for each 10 MB.
    #expect(abs(try #require(ratio([10: 3, 50: 7, 200: 22])) - 1) < 1e-9)
  }

  @Test func `a unit that costs twice as much in the upper half shows`() throws {
    #expect(abs(try #require(ratio([10: 3, 50: 7, 200: 37])) - 2) < 1e-9)
  }

  @Test func `with two steps, or where nothing grows, there is no ratio`() {
    #expect(ratio([10: 3, 50: 7]) == nil)
    #expect(ratio([10: 3, 50: 3, 200: 9]) == nil)
  }

  @Test func `the content of files is the same in each run, and hardly repeats itself`() {
    var (one, other) = (GrowthContent(), GrowthContent())
    var (whole, parts) = ([UInt8](), [UInt8]())
    one.append(20_000, to: &whole)
    for count in [1, 4095, 5000, 10_904] { other.append(count, to: &parts) }
    #expect(whole.count == 20_000)
    #expect(parts.count == 20_000)
    // Of three blocks, the first is random.
    #expect(Set(whole[..<4096]).count > 250)
    #expect(Set(whole[4096..<12_288]).count < 40)
    #expect(whole[..<4096] != whole[12_288..<16_384])
  }

  @Test func `an image's tree counts whole pages`() {
    #expect(GrowthImage(files: 1024, bytes: 1024).treeSize == 5)
  }
}
