// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import Testing

@testable import BootHarness

/// Linux 7.0 and later unpack the image into a leaf (fs/nullfs.c): there PID 1 has nothing to do.
@Suite struct LeafKernelTests {
  @Test(arguments: StockKernel.leaf)
  func `/ is a leaf already: PID 1 does nothing, and all is as promised`(kernel: StockKernel)
    async throws
  {
    let outcome = try await Boot(kernel: kernel.name).run("echo files: /*")

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(
      outcome.verdict.logged == ["leafroot: the root is already a leaf, nothing to do"],
      "\(outcome)")
    #expect(outcome.check?.pivotRoot == "ok")
    #expect(outcome.output.contains("/leafroot "), "\(outcome)")
  }

  @Test(arguments: StockKernel.leaf)
  func `twin: without PID 1 check finds the same leaf`(kernel: StockKernel) async throws {
    let outcome = try await Boot(kernel: kernel.name, hasLeaf: false).run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.verdict.logged.isEmpty, "\(outcome)")
  }

  @Test(arguments: StockKernel.leaf)
  func `a damaged image: last words, and no boot of half a tree in a leaf`(kernel: StockKernel)
    async throws
  {
    let outcome = try await Boot(kernel: kernel.name, images: [Boot.damagedImage]).run()

    #expect(outcome.verdict.outcome == .panicked, "\(outcome)")
    #expect(outcome.logs("the image is half unpacked, the boot stops"), "\(outcome)")
  }

  @Test(arguments: StockKernel.leaf)
  func `the same with leafroot_partial=ok boots, and says so`(kernel: StockKernel) async throws {
    let boot = Boot(
      kernel: kernel.name, images: [Boot.damagedImage], append: ["leafroot_partial=ok"])
    let outcome = try await boot.run()

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.logs("the image is half unpacked, the boot continues"), "\(outcome)")
  }

  @Test(arguments: StockKernel.leaf)
  func `a nasty tree is the same with PID 1 and without`(kernel: StockKernel) async throws {
    var boot = Boot(kernel: kernel.name)
    boot.tree = NastyTree.tree()
    let ours = try await boot.run(NastyTree.census)
    let stock = try await NastyTree.stock(kernel.name)

    // PID 1's file stays, and counts in its directory's size.
    func others(_ outcome: Outcome) -> [String] {
      NastyTree.entries(outcome).filter { !$0.contains("./leafroot") && !$0.hasPrefix(". ") }
    }
    #expect(others(stock).count > 300, "\(stock)")
    #expect(others(ours) == others(stock))
  }
}
