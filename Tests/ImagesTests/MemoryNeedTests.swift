// SPDX-License-Identifier: MIT

import Images
import Testing

/// The model of memory, from numbers. InspectionTests have it from images.
@Suite struct MemoryNeedTests {
  @Test func `a wrapped image needs memory for PID 1 in the archive, and twice in the tree`() {
    var more = 0
    for mebibytes in 100..<164 {
      var totals = Inspection.Totals()
      totals.pages = UInt64(mebibytes * 256)
      let need = MemoryNeed(imageSize: Int64(mebibytes << 20), totals: totals, members: [])
      more += need.wrapped - need.stock
    }
    // 1.5 MiB on average, and a 64th for the table of pages.
    #expect((96...99).contains(more))
  }

  @Test func `each name takes a share of the inodes, which are half of the pages`() {
    var totals = Inspection.Totals()
    totals.symbolicLinks = 128_000
    let need = MemoryNeed(imageSize: 0, totals: totals, members: [])
    // 1000 MiB and 50 that are not free, and a 64th for the table of pages.
    #expect((need.stock, need.large) == (1067, 1067))
  }

  /// mm/khugepaged.c, set_recommended_min_free_kbytes().
  @Test(arguments: [
    (105, 0, 183), (105, 5, 183), (105, 8, 186), (428, 0, 511), (429, 0, 538), (1893, 0, 2044),
  ])
  func `a packed image needs its tree, a large decoder, and from 512 MiB on what the kernel keeps`(
    tree: Int, decoder: Int, need: Int
  ) {
    var totals = Inspection.Totals()
    let image = MemoryNeed(imageSize: 0, totals: totals, members: [])
    totals.pages = UInt64(tree * 256)
    #expect(MemoryNeed.packed(image, totals, workspace: decoder << 20) == need)
  }
}
