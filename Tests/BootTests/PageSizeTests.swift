// SPDX-License-Identifier: MIT

import Encoders
import Machines
import Packing
import Testing

@testable import BootHarness

/// Packed images on kernels with larger pages: small files take so many times the memory there.
@Suite struct PageSizeTests {
  /// A kernel, and how many small files take about 128 MiB there.
  struct LargePages: CustomTestStringConvertible {
    var kernel: String
    var fileCount: Int

    var testDescription: String { kernel }
  }

  /// Debian has no kernel with pages of 64 KiB; ours for aarch64 does.
  private static let kernels =
    [LargePages(kernel: "6.12-16k-aarch64", fileCount: 8000)]
    + (StockKernel.areAllChosen ? [LargePages(kernel: "Image-6.12", fileCount: 2080)] : [])

  private func boot(_ pages: LargePages, _ memory: Int) -> Boot {
    var boot = Boot(kernel: pages.kernel)
    boot.packer = Packer(.zstd(level: 1), jobs: 1, memberSize: 1 << 20)
    boot.tree = .many(pages.fileCount, of: 100)
    boot.memory = memory
    return boot
  }

  /// What is logged of all files, and of the directories that they are in.
  private func all(_ pages: LargePages) -> String { "\(pages.fileCount / 100)" }

  @Test(arguments: kernels)
  func `where memory suffices, all small files are in the leaf`(pages: LargePages) async throws {
    let outcome = try await boot(pages, 320).run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.logs("unpacked \(all(pages))"), "\(outcome)")
  }

  @Test(arguments: kernels)
  func `squashed, they take no pages of their own`(pages: LargePages) async throws {
    var boot = boot(pages, 144)
    boot.packed = PackedImage(squashed: SquashedDirectories(["many"], on: boot.kernel))
    let outcome = try await boot.run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.logs("mounted many: \(all(pages))"), "\(outcome)")
  }

  /// In steps that are smaller than what is counted wrong if a page has 4 KiB, 94 MiB, and than what
  /// the kernel may add to its watermark, 32 MiB.
  @Test(arguments: kernels, [144, 168, 192, 200, 204, 208, 216, 224].sample(every: 2))
  func `where it does not, the boot stops before the first file, or succeeds`(
    pages: LargePages, memory: Int
  ) async throws {
    let outcome = try await boot(pages, memory).run()

    if outcome.verdict.outcome == .asPromised {
      #expect(outcome.logs("unpacked \(all(pages))"), "\(outcome)")
    } else {
      #expect(outcome.verdict.outcome == .panicked, "\(outcome)")
      #expect(
        outcome.logs("too little memory to unpack the payload, the boot stops: needed 14"),
        "\(outcome)")
      #expect(outcome.logs(" more memory"), "\(outcome)")
    }
  }
}
