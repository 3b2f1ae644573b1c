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
    (105, 0, 0, 183), (105, 0, 5, 183), (105, 0, 8, 186), (428, 0, 0, 511), (429, 0, 0, 538),
    (1893, 0, 0, 2044), (65, 40, 0, 183), (65, 40, 8, 186),
  ])
  func `a packed image needs its tree, a squashfs, a large decoder, and what the kernel keeps`(
    tree: Int, squash: Int64, decoder: Int, need: Int
  ) {
    var totals = Inspection.Totals()
    let image = MemoryNeed(imageSize: 0, totals: totals, members: [])
    totals.pages = UInt64(tree * 256)
    #expect(
      MemoryNeed.packed(image, totals, workspace: decoder << 20, squash: squash << 20) == need)
  }

  /// As found by booting Linux 6.12 with one processor in steps of 4 MiB. The yardstick with /usr,
  /// and with /bin, /lib and /sbin as well; Debian 12 with /usr, and with /usr/lib; Debian 13 with
  /// /usr/share; 20 MB of scripts.
  @Test(
    arguments: [
      (image: 61_324_800, pages: 9705, names: 798, squash: 47_288_320, least: (228, 184)),
      (61_641_216, 201, 133, 58_793_984, (nil, 184)),
      (53_097_472, 13821, 712, 38_998_016, (208, 168)),
      (49_720_832, 33468, 5390, 12_853_248, (nil, 228)),
      (54_127_616, 33652, 2207, 16_826_368, (228, nil)),
      (7_560_704, 484, 5, 3_801_088, (80, nil)),
    ] as [Measured])
  func `squashed images need what was measured, within 5 %`(measured: Measured) {
    var totals = Inspection.Totals()
    (totals.pages, totals.files) = (measured.pages, measured.names)
    let image = MemoryNeed(
      imageSize: measured.image, totals: copied(measured.image), members: [])
    for (least, isLarge) in [(measured.least.0, false), (measured.least.1, true)] {
      guard let least else { continue }
      let need = MemoryNeed.packed(
        image, totals, workspace: 5 << 20, squash: measured.squash, isLarge: isLarge)
      #expect(abs(need - least) * 20 <= least, "\(need) instead of \(least)")
    }
  }

  typealias Measured = (
    image: Int64, pages: UInt64, names: Int, squash: Int64, least: (Int?, Int?)
  )

  /// The tree of a packed image as the kernel sees it: the payload's files, without compression.
  private func copied(_ image: Int64) -> Inspection.Totals {
    var totals = Inspection.Totals()
    totals.pages = UInt64(image / 4096)
    return totals
  }
}
