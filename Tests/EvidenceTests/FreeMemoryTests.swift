// SPDX-License-Identifier: MIT

import CLinux
import TestSupport
import Testing

@testable import Evidence

private let mebibyte = 1 << 20

@Suite struct `Free memory` {
  @Test func `is asked for again and again`() throws {
    let directory = try TemporaryDirectory()
    let file = try directory.file("stat_refresh", [])
    let refresh = linux_openat(AT_FDCWD, file.string, O_RDONLY, 0)
    for memory in [refresh, -1].map({ FreeMemory(refresh: $0, watermark: 1024) }) {
      for _ in 0..<2 {
        #expect(memory.usable(wanting: 0) > mebibyte)
        #expect((mebibyte..<1 << 50).contains(memory.usable(wanting: 1 << 60)))
      }
      memory.close()
    }
  }

  @Test func `is without what the kernel keeps`() {
    // As long as nothing is known of it, 2 MiB of 256 MiB, and 8 of 4 GiB.
    #expect(keptMemory(of: 256 * mebibyte, watermark: nil, pageSize: 4096) == 3 * mebibyte)
    #expect(keptMemory(of: 4096 * mebibyte, watermark: nil, pageSize: 4096) == 24 * mebibyte)
    #expect(keptMemory(of: 1024 * mebibyte, watermark: 45056, pageSize: 4096) == 48 * mebibyte)
    #expect(keptMemory(of: 0, watermark: nil, pageSize: 4096) == 0)
    #expect(keptMemory(of: 4 << 40, watermark: nil, pageSize: 4096) < 20 << 30)
    // 32 MiB for pages of 16 KiB, from 128 MiB on, and 512 for those of 64 KiB.
    #expect(keptMemory(of: 127 * mebibyte, watermark: 0, pageSize: 16_384) < mebibyte)
    #expect(keptMemory(of: 256 * mebibyte, watermark: 0, pageSize: 16_384) == 33 * mebibyte)
    #expect(keptMemory(of: 128 * mebibyte, watermark: 0, pageSize: 16_384) > 32 * mebibyte)
    #expect(keptMemory(of: 1024 * mebibyte, watermark: 0, pageSize: 65_536) == 4 * mebibyte)
    #expect(keptMemory(of: 2048 * mebibyte, watermark: 0, pageSize: 65_536) == 520 * mebibyte)
    // More than there is.
    #expect(FreeMemory(refresh: -1, watermark: 1 << 40).usable(wanting: 1) == 0)
  }
}
