// SPDX-License-Identifier: MIT

import Foundation
import SystemPackage
import Testing

@testable import BootHarness

@Suite struct StockKernelTests {
  @Test func `leafroot(7) names the kernels that are booted, no more and no less`() throws {
    let page = try String(
      contentsOfFile: Place.root.appending("Documentation/leafroot.7.md").string, encoding: .utf8)

    #expect(page.contains(Self.table), "expected in leafroot.7.md:\n\(Self.table)")
  }

  @Test func `the table has all series, and those of make test`() {
    let all = StockKernel.all.filter { $0.machine == "x86_64" && !$0.isGeneric }
    #expect(
      all.map(\.series) == [
        "5.10", "6.1", "6.12", "6.16", "6.17", "6.18", "6.19", "7.0", "7.1", "7.2", "7.3",
      ])
    #expect(all.filter(\.isTested).map(\.series) == ["5.10", "6.1", "6.12", "6.18", "7.3"])
    #expect(StockKernel.rootfs.count >= 4)
    #expect(StockKernel.leaf.count >= 1)
    #expect(StockKernel.rootfsElsewhere.count >= 1)
  }

  /// A row for each series: who boots it, on which machine.
  private static var table: String {
    var rows = [
      "| Linux | x86_64 | aarch64 | riscv64 | `/` without LeafRoot |", "|---|---|---|---|---|",
    ]
    var known: Set<String> = []
    for kernel in StockKernel.all where known.insert(kernel.series).inserted {
      let root = kernel.isLeaf ? "a leaf" : "rootfs"
      let targets = ["x86_64", "aarch64", "riscv64"].map { target(kernel.series, $0) }
      rows.append("| \(kernel.series) | \(targets.joined(separator: " | ")) | \(root) |")
    }
    return rows.joined(separator: "\n")
  }

  private static func target(_ series: String, _ machine: String) -> String {
    let kernels = StockKernel.all.filter { $0.series == series && $0.machine == machine }
    guard let first = kernels.first else { return "" }
    let generic = kernels.contains(where: \.isGeneric) ? ", generic kernel too" : ""
    let large = kernels.first(where: \.hasLargePages).map {
      "; with pages of 16 KiB \(by($0))"
    }
    return by(first) + generic + (large ?? "")
  }

  private static func by(_ kernel: StockKernel) -> String {
    "`make \(kernel.isTested ? "test" : "proof")`"
  }
}
