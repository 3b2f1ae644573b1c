// SPDX-License-Identifier: MIT

import Foundation
import Packing
import SystemPackage
import Testing

/// A Debian kernel listed in `Scripts/stock-kernels`.
struct StockKernel: CustomTestStringConvertible, Sendable {
  /// The name in `Scripts/fetch-kernels`: SERIES-ARCH.
  let name: String

  /// Whether `make test` boots it; `make proof`, which sets LEAFROOT_KERNELS=all, boots all
  /// kernels.
  let isTested: Bool

  /// Whether `/` is already a leaf when the image is unpacked (fs/nullfs.c, Linux 7.0).
  var isLeaf: Bool { name.hasPrefix("7.") }

  /// Whether a tmpfs has `user.*` attributes (Linux 6.6).
  var hasUserAttributes: Bool { !["5.10", "6.1"].contains(series) }

  /// Whether the mirror has its modules: only the newest of a series in a suite keeps them.
  var hasModules: Bool {
    !["6.19-", "7.0-", "7.1-"].contains { name.hasPrefix($0) }
  }

  var testDescription: String { name }

  /// All kernels in the table.
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

  /// Whether `make proof` runs, with all kernels and all cases of a table.
  static let areAllChosen =
    ProcessInfo.processInfo.environment["LEAFROOT_KERNELS"] == "all"

  /// The kernels of this run.
  private static let chosen = all.filter { $0.isTested || areAllChosen }

  private static func chosen(on machines: String..., isLeaf: Bool) -> [StockKernel] {
    chosen.filter { machines.contains($0.machine) && $0.isLeaf == isLeaf }
  }

  /// The x86_64 kernels that unpack the tree into rootfs.
  static let rootfs = chosen(on: "x86_64", isLeaf: false)

  /// Those of them with modules.
  static let modular = rootfs.filter(\.hasModules)

  /// The x86_64 kernels that unpack the tree into a leaf.
  static let leaf = chosen(on: "x86_64", isLeaf: true)

  /// The kernels for slow tests, such as those with container runtimes: all with modules, but only
  /// one in `make test`.
  static let rootfsSample = modular.filter { areAllChosen || $0.name == "6.12-x86_64" }

  /// The same, and those that unpack into a leaf, which `make test` leaves out.
  static let sample = rootfsSample + leaf.filter { areAllChosen && $0.hasModules }

  /// The kernels for squashed images: all with modules; in `make test` the oldest, the newest, and
  /// the one of other tests.
  static let squashSample = (rootfs + leaf).filter(\.hasModules).filter { kernel in
    areAllChosen || ["5.10", "6.12", "7.3"].contains(kernel.series)
  }

  /// The kernels for aarch64 and riscv64.
  static let rootfsElsewhere = chosen(on: "aarch64", "riscv64", isLeaf: false)
  static let leafElsewhere = chosen(on: "aarch64", "riscv64", isLeaf: true)

  /// Whether it has pages of 16 KiB instead of 4.
  var hasLargePages: Bool { name.contains("-16k-") }

  /// The series, such as `6.12`.
  var series: String { String(name.prefix { $0 != "-" }) }

  /// The output of `uname -m` on this kernel.
  var machine: String { String(name.split(separator: "-").last!) }

  /// The architecture of its machines.
  var architecture: Architecture { Architecture(rawValue: machine)! }

  /// Whether it is Debian's kernel for physical machines instead of the cloud kernel.
  var isGeneric: Bool { name.contains("-generic-") }
}
