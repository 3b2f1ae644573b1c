// SPDX-License-Identifier: MIT

import Encoders
import Machines
import Packing
import Testing

@testable import BootHarness

/// Packed images on a kernel whose pages have 16 KiB: small files take four times the memory there.
@Suite struct PageSizeTests {
  private func boot(_ memory: Int) -> Boot {
    var boot = Boot(kernel: "6.12-16k-aarch64")
    boot.packer = Packer(.zstd(level: 1), jobs: 1, memberSize: 1 << 20)
    boot.tree = .many(8000, of: 100)
    boot.memory = memory
    return boot
  }

  @Test func `where memory suffices, all small files are in the leaf`() async throws {
    let outcome = try await boot(320).run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.logs("unpacked 80"), "\(outcome)")
  }

  /// Unpacked, they would take 125 MiB.
  @Test func `squashed, they take no pages of their own`() async throws {
    var boot = boot(144)
    var squashed = SquashedDirectories("many")
    squashed.kernels = [boot.kernel]
    boot.packed = PackedImage(squashed: squashed)
    let outcome = try await boot.run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.logs("mounted many: 8008 entries"), "\(outcome)")
  }

  /// In steps that are smaller than what is counted wrong if a page has 4 KiB, 94 MiB, and than what
  /// the kernel may add to its watermark, 32 MiB.
  @Test(arguments: [144, 168, 192, 200, 204, 208, 216, 224].sample(every: 2))
  func `where it does not, the boot stops before the first file, or succeeds`(
    memory: Int
  ) async throws {
    let outcome = try await boot(memory).run()

    if outcome.verdict.outcome == .asPromised {
      #expect(outcome.logs("unpacked 80"), "\(outcome)")
    } else {
      #expect(outcome.verdict.outcome == .panicked, "\(outcome)")
      #expect(
        outcome.logs("too little memory to unpack the payload, the boot stops: needed 14"),
        "\(outcome)")
      #expect(outcome.logs(" more memory"), "\(outcome)")
    }
  }
}
