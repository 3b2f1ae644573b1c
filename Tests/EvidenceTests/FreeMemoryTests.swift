// SPDX-License-Identifier: MIT

import CLinux
import TestSupport
import Testing

@testable import Evidence

private let mebibyte = 1 << 20

@Suite struct `Free memory` {
  /// Two zones of two processors, as Linux 6.12 prints them, and lines that resemble theirs.
  private static let zones = """
    Node 0, zone      DMA
      per-node stats
          nr_inactive_anon 5
      pages free     2816
            boost    0
            min      62
            protection: (0, 205, 205, 205, 205)
          nr_free_pages 2816
      pagesets
        cpu: 0
                  count:    0
                  high:     0
                  batch:    1
                  high_min: 0
                  high_max: 0
      vm stats threshold: 2
        cpu: 1
                  count:    7
      node_unreclaimable:  0
    Node 0, zone    DMA32
      pagesets
        cpu: 0
                  count:    8210
                  high:     8722
        cpu: 1
                  count:    12
    count: of nothing

    """

  /// read(2) of a file with this content, in pieces of at most `most` bytes.
  private func reading(_ content: String, most: Int) -> Lines.Read {
    var rest = Array(content.utf8)[...]
    return { count in
      defer { rest = rest.dropFirst(min(count, most)) }
      return Array(rest.prefix(min(count, most)))
    }
  }

  @Test(arguments: [1, 13, 4096])
  func `is also what the kernel holds for single processors`(most: Int) {
    #expect(listedPages(reading(Self.zones, most: most)) == 7 + 8210 + 12)
  }

  @Test func `is counted without these lists where they cannot be read`() {
    #expect(listedPages(reading("", most: 1)) == 0)
    #expect(listedPages { _ in nil } == 0)
    #expect(FreeMemory(zones: -1, watermark: 1024).usable > mebibyte)
  }

  @Test func `can be asked for again and again`() throws {
    let directory = try TemporaryDirectory()
    let pages = (3 << 40) / sysconf(Int32(_SC_PAGESIZE))
    let file = try directory.file("zoneinfo", Array("   count:    \(pages)\n".utf8))
    let memory = FreeMemory(
      zones: linux_openat(AT_FDCWD, file.string, O_RDONLY, 0), watermark: 1024)
    defer { memory.close() }
    for _ in 0..<2 {
      #expect(memory.usable > 3 << 40)
      #expect(memory.usable < 6 << 40)
      #expect(memory.suffices(for: 3 << 40))
      #expect(memory.suffices(for: mebibyte))
      #expect(!memory.suffices(for: 6 << 40))
    }
  }

  @Test func `is without what the kernel keeps`() {
    // As long as nothing is known of it, 2 MiB of 256 MiB, and 8 of 4 GiB.
    #expect(keptMemory(of: 256 * mebibyte, watermark: nil) == 3 * mebibyte)
    #expect(keptMemory(of: 4096 * mebibyte, watermark: nil) == 24 * mebibyte)
    #expect(keptMemory(of: 1024 * mebibyte, watermark: 45056) == 48 * mebibyte)
    #expect(keptMemory(of: 0, watermark: nil) == 0)
    #expect(keptMemory(of: 4 << 40, watermark: nil) < 20 << 30)
    // More than there is.
    #expect(FreeMemory(zones: -1, watermark: 1 << 40).usable == 0)
  }
}
