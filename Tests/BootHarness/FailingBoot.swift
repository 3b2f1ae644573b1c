// SPDX-License-Identifier: MIT

import Fidelity
import Foundation
import Machines
import SystemPackage
import Testing

/// How the tree gets into place in a boot of the table.
enum Bringing: CaseIterable, Sendable {
  /// PID 1 moves it.
  case moved
  /// PID 1 unpacks it, from members or from one file.
  case packed, nested
  /// PID 1 unpacks one half of it, and mounts the other.
  case squashed
}

/// The boots of the table, all with the same small tree and a PID 1 that a script executes.
struct FailingBoot {
  private let bringing: Bringing
  private let boot: Boot
  private let stock: [String]
  private let names: [Int: String]

  /// The number of system calls that PID 1 makes if none fails.
  let calls: Int

  /// Runs two boots: one without LeafRoot, and one in which no call fails.
  init(_ bringing: Bringing) async throws {
    self.bringing = bringing
    names = try Self.callNames()
    var boot = Boot.userMode("linux-um-6.12-faulty", append: Boot.preparedWords)
    boot.tree = try FailingTree.tree(isMoved: bringing == .moved)
    boot.images = [try FailingTree.later(" nonroot_initramfs").image]

    var stockBoot = boot
    stockBoot.append = ["rootfstype=tmpfs", "rdinit=/prepare-stock"]
    stock = Self.census(try await stockBoot.run(Self.script))

    if bringing != .moved {
      var packed = PackedImage(parts: bringing == .nested ? 0 : 1)
      packed.extras = FailingTree.extras
      if bringing == .squashed {
        packed.squashed = SquashedDirectories("deep", "links")
        packed.squashed?.kernels = []
      }
      boot.tree.setModificationTime(of: "large", 1)
      boot.packed = packed
    }
    self.boot = boot
    let outcome = try await boot.run(Self.script)
    calls = outcome.console.lines.compactMap(Self.total).first ?? 0
    #expect(Self.ending(of: outcome, bringing, stock: stock) == .asPromised, "\(outcome)")
  }

  /// The rows of several boots, in the order of `failures`.
  func rows(_ failures: [SystemCallFailure]) async throws -> [SystemCallFailure.Row] {
    try await withThrowingTaskGroup(of: (Int, SystemCallFailure.Row).self) { group in
      for (place, failure) in failures.enumerated() {
        group.addTask { (place, try await row(failure)) }
      }
      return try await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
    }
  }

  /// The row of one boot; `change` modifies the tree before the census.
  func row(
    _ failure: SystemCallFailure, after change: String = ""
  ) async throws -> SystemCallFailure.Row {
    var boot = boot
    boot.append.append(failure.word)
    let outcome = try await boot.run("\(change)\n\(Self.script)")
    let number = outcome.console.lines.compactMap(Self.failedNumber).first
    return SystemCallFailure.Row(
      failure: failure, call: number.map { names[$0] ?? "\($0)" },
      ending: Self.ending(of: outcome, bringing, stock: stock))
  }

  /// The ending of a boot whose tree would be `stock` without LeafRoot.
  static func ending(
    of outcome: Outcome, _ bringing: Bringing, stock: [String]
  ) -> SystemCallFailure.Ending {
    guard let check = outcome.check else { return endingInPanic(outcome) }
    let said = outcome.verdict.logged.filter { line in
      !["moved ", "unpacked ", "mounted "].contains { line.hasPrefix("leafroot: \($0)") }
    }

    // PID 1 is in the image, but not in the leaf.
    let its = check.isLeaf ? stock.filter { !$0.hasPrefix("./leafroot ") } : stock
    let excused = excuses.filter { excuse in said.contains { $0.hasPrefix(excuse.line) } }
      .flatMap(\.entries)
    if let difference = firstDifference(census(outcome), its, but: excused) {
      return .broken("another tree: \(difference)")
    }

    if check.asPromised, said.isEmpty { return .asPromised }
    let isExplained = { (line: String) in
      check.isLeaf || line.hasPrefix(seed)
    }
    guard let line = said.last(where: isExplained) else {
      return .broken("not as promised, and no line says so: \(said)")
    }
    return check.isLeaf ? .leafOnly(line: line) : .fallsBack(line: line)
  }

  private static func endingInPanic(_ outcome: Outcome) -> SystemCallFailure.Ending {
    let lines = outcome.console.lines
    guard let panic = lines.firstIndex(where: { $0.contains("Kernel panic - not syncing") }) else {
      return .broken("no check, no panic: \(outcome.verdict.outcome.rawValue)")
    }
    // The messages reach the console despite `quiet`. Before main(), while musl starts, it is the
    // kernel that names the program: "leafroot[1]: segfault at …".
    for mark in ["leafroot: ", "leafroot-init: ", "leafroot[1]: "] {
      for line in lines[..<panic].reversed() {
        if let range = line.firstRange(of: mark) {
          return .lastWords(line: String(line[range.lowerBound...]))
        }
      }
    }
    return .broken("a panic without a line: \(lines[panic])")
  }

  private static let seed = "Failed to create a non-root filesystem for initramfs: "

  /// PID 1's messages about incomplete cleanup, and the census lines that may differ then.
  private static let excuses = [
    (
      line: "leafroot: a trace of this program remains in the tree: ",
      entries: ["./leafroot ", "./.leafroot ", "./.leafroot/", ". 4"]
    ),
    (line: "leafroot: the real init's limit of open files remains 65536", entries: [". limits "]),
    (line: "leafroot: the real init's limit of the stack remains 96 MiB", entries: [". limits "]),
    (line: "leafroot: the real init's priority remains -20", entries: [". limits "]),
    (
      line: "leafroot: the real init's standard descriptors are not /dev/console: ",
      entries: [". descriptor "]
    ),
  ]

  private static func firstDifference(
    _ mine: [String], _ its: [String], but excused: [String]
  ) -> String? {
    let compared = [mine, its].map { census in
      census.filter { line in !excused.contains { line.hasPrefix($0) } }
    }
    for (one, other) in zip(compared[0], compared[1]) where one != other {
      return "\(one), expected \(other)"
    }
    let (count, expected) = (compared[0].count, compared[1].count)
    return count == expected ? nil : "\(count) entries, expected \(expected)"
  }

  /// The lines of the census without inode numbers, and without files of the boot itself.
  private static func census(_ outcome: Outcome) -> [String] {
    outcome.output.split(separator: "\n").filter { $0.hasPrefix("./") || $0.hasPrefix(". ") }
      .map { line in
        var fields = line.split(separator: " ", omittingEmptySubsequences: false)
        if fields.count > 7 { fields.remove(at: 7) }
        return fields.joined(separator: " ")
      }
      .filter { !$0.hasPrefix("./.leafroot-boot") && !$0.hasPrefix("./dev/console ") }
  }

  /// Prints what the real init sees.
  private static let script = """
    /census /
    busybox mount -t proc proc /proc
    echo ". limits $(ulimit -n) $(ulimit -s) $(busybox cut -d ' ' -f 19 /proc/1/stat)"
    for file in /proc/1/fd/*; do echo ". descriptor $file $(busybox readlink $file)"; done
    """

  private static func total(_ line: String) -> Int? {
    guard let match = line.firstMatch(of: #/fail_syscall: (\d+) calls/#) else { return nil }
    return Int(match.1)
  }

  private static func failedNumber(_ line: String) -> Int? {
    guard let match = line.firstMatch(of: #/fail_syscall: call \d+, number (\d+), fails/#) else {
      return nil
    }
    return Int(match.1)
  }

  /// The names of x86_64's system calls by number: asm/unistd_64.h.
  private static func callNames() throws -> [Int: String] {
    let header = Place.cache.appending("musl/x86_64/linux-include/asm/unistd_64.h")
    let text = try String(contentsOfFile: header.string, encoding: .utf8)
    var names: [Int: String] = [:]
    for match in text.matches(of: #/#define __NR_(\w+) (\d+)/#) {
      names[Int(match.2) ?? -1] = String(match.1)
    }
    return names
  }
}
