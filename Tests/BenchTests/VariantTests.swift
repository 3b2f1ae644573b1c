// SPDX-License-Identifier: MIT

import SystemPackage
import Testing

@testable import bench

/// What the variants boot.
@Suite struct VariantTests {
  @Test func `a way of others starts its own PID 1, and tells it the options of its tmpfs`() {
    for variant in [Variant.cp, .nested, .squashByHand] {
      #expect(
        variant.parameters(options: "size=90%") == [
          "rdinit=/.bench/\(variant.rawValue)", "initramfs_options=size=90%",
          "bench_options=size=90%",
        ])
    }
    #expect(
      Variant.retainInitrd.parameters(options: nil) == [
        "retain_initrd", "rdinit=/.bench/retain-initrd",
      ])
  }

  @Test func `an old-style initrd has no PID 1 before the real init`() {
    #expect(Variant.ramDisk.parameters(options: nil) == ["reboot=t"])
  }

  @Test func `each is compared with the same kernel without a leaf`() {
    let own = Variant.allCases.filter { $0.base == .kernelStock }
    #expect(own == [.kernelStock, .ramDisk, .kernel])
    #expect(own == Variant.allCases.filter(\.hasOwnKernel))
    #expect(Variant.allCases.filter { !$0.hasLeaf } == [.stock, .kernelStock])
  }

  @Test func `what is not in the plain image has a file of its own`() {
    let image = BootImage(
      name: "image", plain: "plain.zst", command: [], attachments: [], directory: "bench")
    #expect(image.initrd(for: .cp).string == "bench/image-plain.initrd")
    for variant in [Variant.squashByHand, .retainInitrd, .ramDisk] {
      #expect(image.initrd(for: variant).string == "bench/image-\(variant.rawValue).initrd")
    }
    // One archive, or one file system, is no image with a segment before it.
    #expect(image.path(for: .squashByHand).string == "bench/image.squash-by-hand")
    for variant in [Variant.retainInitrd, .ramDisk] {
      #expect(image.path(for: variant).string == "plain.zst")
    }
  }
}

/// What the real init tells about memory, and about reading the tree.
@Suite struct ReadingTests {
  @Test func `memory is in KiB, of tmpfs and of what else the tree is in`() throws {
    let reading = try #require(Reading(["kept 268694", "whole: 3304 208982343", "read 10.57"]))
    #expect(reading.kept == 262)
    #expect(reading.uptime == 10.57)
  }

  @Test func `without one of them there is no reading`() {
    #expect(Reading(["kept 268694"]) == nil)
    #expect(Reading(["read 10.57"]) == nil)
  }
}
