// SPDX-License-Identifier: MIT

import Encoders
import Machines
import Packing
import Testing

@testable import BootHarness

@Suite struct ArchitectureTests {
  @Test(arguments: StockKernel.rootfsElsewhere)
  func `elsewhere the promise holds as well`(kernel: StockKernel) async throws {
    let outcome = try await Boot(kernel: kernel.name).run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.logs("the root is a leaf"), "\(outcome)")
  }

  @Test(arguments: StockKernel.rootfsElsewhere)
  func `elsewhere a packed image is unpacked into the leaf`(kernel: StockKernel) async throws {
    let packer = Packer(.zstd(level: 3), jobs: 1, memberSize: 1 << 20)
    let outcome = try await Boot(kernel: kernel.name, packer: packer).run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.logs("unpacked "), "\(outcome)")
  }

  @Test(arguments: StockKernel.rootfsElsewhere)
  func `elsewhere, twin: as the kernel boots it, pivot_root gives EINVAL`(kernel: StockKernel)
    async throws
  {
    let outcome = try await Boot(kernel: kernel.name, hasLeaf: false).run()

    #expect(outcome.check?.pivotRoot == "EINVAL", "\(outcome)")
  }

  @Test(arguments: StockKernel.leafElsewhere)
  func `elsewhere a kernel's own leaf is left alone`(kernel: StockKernel) async throws {
    let outcome = try await Boot(kernel: kernel.name).run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.logs("the root is already a leaf, nothing to do"), "\(outcome)")
  }
}
