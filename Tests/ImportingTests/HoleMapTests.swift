// SPDX-License-Identifier: MIT

import Initramfs
import Testing

@testable import Importing

/// Which of a file's holes stay holes.
@Suite struct HoleMapTests {
  private func map(_ size: UInt64, _ data: (UInt64, UInt64)...) -> [Extent]? {
    SparseMap(size: size, data: data.map { Extent(offset: $0, count: $1) })?.extents
  }

  @Test func `a hole of a page stays, a smaller one does not`() {
    let apart = [Extent(offset: 0, count: 4096), Extent(offset: 8192, count: 4096)]
    #expect(map(12_288, (0, 4096), (8192, 4096)) == apart)
    #expect(map(20_480, (0, 4096), (8191, 4097)) == [Extent(offset: 0, count: 12_288)])
    #expect(map(20_480, (0, 4097), (8192, 4096)) == [Extent(offset: 0, count: 12_288)])
  }

  @Test func `a map that saves no page is none`() {
    // Two holes of a page and more that lie across two pages each.
    #expect(map(12_288, (0, 100), (4196, 100), (8392, 3896)) == nil)
    #expect(map(12_289, (0, 100), (4196, 100), (8392, 3896))?.count == 3)
    #expect(map(4096, (0, 1)) == nil)
    #expect(map(4097, (0, 1)) == [Extent(offset: 0, count: 1)])
    #expect(map(4096) == [])
  }
}
