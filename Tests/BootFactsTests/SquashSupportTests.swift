// SPDX-License-Identifier: MIT

import Testing

@testable import BootFacts

@Suite struct `What a kernel lacks to mount a squashfs` {
  private let filesystems = "nodev\ttmpfs\n\text4\n\tsquashfs\nnodev\toverlay\n"
  private let misc = "  1 vmci\n237 loop-control\n 63 vga_arbiter\n"

  private func support(_ filesystems: String, _ misc: String) -> SquashSupport {
    SquashSupport(filesystems: Array(filesystems.utf8), misc: Array(misc.utf8))
  }

  private func missing(_ filesystems: String, _ misc: String) -> [String] {
    support(filesystems, misc).missing.map { "\($0)" }
  }

  @Test func `is what its tables do not have`() {
    #expect(missing(filesystems, misc) == [])
    #expect(missing("nodev\ttmpfs\n\tsquashfs\n", misc) == ["overlay"])
    #expect(missing("nodev\toverlay\n", misc) == ["squashfs"])
    #expect(missing(filesystems, "237 loop\n") == ["loop"])
    #expect(missing("nodev\toverlayfs\n\tsquashfs3\n", "") == ["loop", "squashfs", "overlay"])
    #expect(missing("", "") == ["loop", "squashfs", "overlay"])
  }

  private func words(_ support: SquashSupport, _ releases: String...) -> String {
    let text = support.words(
      Array("6.12.94".utf8), modulesFor: releases.map { Array($0.utf8CString) })
    return String(decoding: text.bytes, as: UTF8.self)
  }

  @Test func `is said with the kernels that the image has modules for`() {
    let one = support("\tsquashfs\n", misc)
    #expect(
      words(one, "6.1.0-28-amd64", "6.12.107") == """
        this kernel (6.12.94) has no overlay; the image has modules for 6.1.0-28-amd64, 6.12.107. \
        Needed: those of this kernel (--modules)
        """)
    #expect(words(one).contains("has no overlay; the image has no modules. Needed:"))
    #expect(words(support("", "")).contains(" has no loop, no squashfs, no overlay; the image"))
  }
}
