// SPDX-License-Identifier: MIT

import Encoders
import Machines
import Packing
import Testing

@testable import BootHarness

/// Container runtimes as Debian builds them, with their own defaults.
@Suite struct RuntimeTests {
  @Test(arguments: StockKernel.rootfsSample)
  func `on the leaf every runtime works`(kernel: StockKernel) async throws {
    try await Runtimes.expectEach("ok", in: Boot(kernel: kernel.name))
  }

  @Test(arguments: StockKernel.rootfsSample)
  func `in rootfs every one of them fails`(kernel: StockKernel) async throws {
    try await Runtimes.expectEach("FAILED", in: Boot(kernel: kernel.name, hasLeaf: false))
  }

  @Test(arguments: StockKernel.leaf.filter(\.hasModules), [true, false].sample(every: 2))
  func `on a kernel's own leaf every runtime works, with PID 1 in the image and without`(
    kernel: StockKernel, hasLeaf: Bool
  ) async throws {
    try await Runtimes.expectEach("ok", in: Boot(kernel: kernel.name, hasLeaf: hasLeaf))
  }

  /// How the tree comes into an image that PID 1 unpacks.
  enum Form: CaseIterable {
    case packed, nested

    /// A boot of a tree with the kit in it.
    func boot(_ kernel: StockKernel, hasLeaf: Bool = true) -> Boot {
      var boot = Boot(kernel: kernel.name, hasLeaf: hasLeaf, cpus: 2)
      boot.packsImages = true
      switch self {
      case .packed: boot.packer = Packer(.zstd(level: 1), jobs: 2, memberSize: 16 << 20)
      case .nested: boot.nester = Nester()
      }
      return boot
    }
  }

  /// The check of the boot tries to escape, too: `below` in leafroot(7), CHECK.
  @Test(arguments: StockKernel.sample, Form.allCases.sample(every: 2))
  func `on the leaf of a packed image every runtime works, and nothing lies below it`(
    kernel: StockKernel, form: Form
  ) async throws {
    let outcome = try await Runtimes.expectEach("ok", in: form.boot(kernel))
    #expect(outcome.logs("unpacked "), "\(outcome)")
    #expect(kernel.isLeaf || outcome.verdict.outcome == .asPromised, "\(outcome)")
  }

  @Test(arguments: StockKernel.rootfsSample, Form.allCases.sample(every: 2))
  func `without the word they work in a packed image, too`(
    kernel: StockKernel, form: Form
  ) async throws {
    let boot = form.boot(kernel, hasLeaf: false)
    let outcome = try await Runtimes.expectEach("ok", of: ["runc", "bwrap"], in: boot)
    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
  }
}
