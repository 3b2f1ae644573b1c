// SPDX-License-Identifier: MIT

import Foundation
import SystemPackage
import Testing

/// One of Debian's kernels that are booted: `Scripts/stock-kernels`.
struct StockKernel: CustomTestStringConvertible, Sendable {
  /// As `Scripts/fetch-kernels` names it: SERIES-ARCH.
  let name: String

  /// Whether `make test` boots it; `make proof`, which sets LEAFROOT_KERNELS=all, boots all.
  let isTested: Bool

  /// Whether `/` is a leaf already when the image is unpacked (fs/nullfs.c, Linux 7.0).
  var isLeaf: Bool { name.hasPrefix("7.") }

  /// Whether the mirror has its modules: only the newest of a series in a suite keeps them.
  var hasModules: Bool {
    !["6.19-", "7.0-", "7.1-"].contains { name.hasPrefix($0) }
  }

  var testDescription: String { name }

  /// The whole table.
  static let all: [StockKernel] = {
    let table = FileManager.default.contents(
      atPath: Place.root.appending("Scripts/stock-kernels").string)
    return String(decoding: table ?? Data(), as: UTF8.self).split(separator: "\n").compactMap {
      line in
      let fields = line.split(separator: " ")
      guard fields.count == 2 else { return nil }
      return StockKernel(name: String(fields[0]), isTested: fields[1] == "test")
    }
  }()

  private static let areAllChosen =
    ProcessInfo.processInfo.environment["LEAFROOT_KERNELS"] == "all"

  /// Those of this run.
  private static let chosen = all.filter { $0.isTested || areAllChosen }

  private static func chosen(on machines: String..., isLeaf: Bool) -> [StockKernel] {
    chosen.filter { machines.contains($0.machine) && $0.isLeaf == isLeaf }
  }

  /// Those on which the tree lies in rootfs.
  static let rootfs = chosen(on: "x86_64", isLeaf: false)

  /// Of these, those with modules.
  static let modular = rootfs.filter(\.hasModules)

  /// Those on which it lies in a leaf.
  static let leaf = chosen(on: "x86_64", isLeaf: true)

  /// For what takes long, as container runtimes do: those with modules, of which `make test` boots
  /// one.
  static let rootfsSample = modular.filter { areAllChosen || $0.name == "6.12-x86_64" }

  /// The same, and those on which it lies in a leaf: none of these in `make test`.
  static let sample = rootfsSample + leaf.filter { areAllChosen && $0.hasModules }

  /// Those of aarch64 and riscv64.
  static let rootfsElsewhere = chosen(on: "aarch64", "riscv64", isLeaf: false)
  static let leafElsewhere = chosen(on: "aarch64", "riscv64", isLeaf: true)

  /// Pages of 16 KiB, where most have 4.
  var hasLargePages: Bool { name.contains("-16k-") }

  /// The series, as `6.12`.
  var series: String { String(name.prefix { $0 != "-" }) }

  /// As `uname -m` says it there.
  var machine: String { String(name.split(separator: "-").last!) }

  /// Whether it is Debian's kernel for real machines instead of the one for clouds.
  var isGeneric: Bool { name.contains("-generic-") }
}
