// SPDX-License-Identifier: MIT

import Machines
import Testing

@Suite struct LeastMemorySearchTests {
  /// What is found where `need` MiB are needed, and what was tried.
  private func find(
    _ need: Int, within bounds: ClosedRange<Int>, step: Int
  ) async -> (least: Int?, tried: [Int]) {
    var tried: [Int] = []
    let least = await LeastMemorySearch(within: bounds, step: step).find { mebibytes in
      tried.append(mebibytes)
      return mebibytes >= need
    }
    return (least, tried)
  }

  @Test(arguments: [1, 4, 16], [32...2048, 208...1024, 33...95, 64...64])
  func `it is the least multiple of the step that is enough`(
    step: Int, bounds: ClosedRange<Int>
  ) async {
    let candidates = bounds.filter { $0.isMultiple(of: step) }
    for need in stride(from: bounds.lowerBound - 5, to: bounds.upperBound + 5, by: 7) {
      let (least, tried) = await find(need, within: bounds, step: step)
      #expect(least == candidates.first { $0 >= need }, "need \(need)")
      #expect(Set(tried).isSubset(of: candidates))
      #expect(Set(tried).count == tried.count)
    }
  }

  @Test func `a bisection boots nine times for 505 sizes`() async {
    for need in [0, 100, 1040, 2048, 5000] {
      #expect(await find(need, within: 32...2048, step: 4).tried.count <= 9)
    }
  }

  @Test func `where nothing is enough the most was tried`() async {
    let (least, tried) = await find(.max, within: 32...2048, step: 4)
    #expect(least == nil)
    #expect(tried.last == 2048)
  }

  @Test func `what ends a boot ends the search`() async {
    struct Broken: Error, Equatable {}
    var count = 0
    await #expect(throws: Broken()) {
      _ = try await LeastMemorySearch().find { _ throws(Broken) in
        count += 1
        throw Broken()
      }
    }
    #expect(count == 1)
  }

  @Test func `a machine has enough memory if all was unpacked and the check ran`() {
    let check = """
      @leafroot check {"mountId":1,"parentId":1,"type":"rootfs","options":"rw","isLeaf":false,\
      "pivotRoot":"EINVAL","below":null,"asPromised":false,"uptime":4.5}
      """
    func isEnough(_ lines: String...) -> Bool {
      let console = Console(Array(lines.joined(separator: "\n").utf8))
      return Verdict(console, ending: .byGuest).reachedCheckWhole
    }
    #expect(isEnough(check))
    #expect(!isEnough("Initramfs unpacking failed: write error", check))
    #expect(!isEnough("Kernel panic - not syncing: out of memory"))
  }
}
