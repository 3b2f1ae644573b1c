// SPDX-License-Identifier: MIT

import Files
import Foundation
import Machine
import Newc
import SystemPackage
import Testing

/// A system call of PID 1 that fails without being made, on a kernel with Kernel/faults.patch.
struct SystemCallFailure: Sendable {
  /// Counted from 1, since PID 1 was executed.
  let number: Int
  let error: Error
  /// Whether all later calls of its kind fail, too.
  var isLasting = false

  enum Error: Int {
    case inputOutput = 5
    case noMemory = 12

    /// errno(3)
    var name: String { self == .inputOutput ? "EIO" : "ENOMEM" }
  }

  /// The kernel's word for it.
  var word: String { "fail_syscall=\(number),\(error.rawValue)" + (isLasting ? ",always" : "") }
}

extension SystemCallFailure {
  /// What may become of a boot. There is no other way.
  enum Ending: Equatable {
    /// As promised, the tree is stock's.
    case asPromised
    /// The root is a leaf and the tree is stock's; the line says what is not as it should be.
    case leafOnly(line: String)
    /// The real init runs in rootfs, the tree is stock's; the line says why.
    case fallsBack(line: String)
    /// The boot stops, and the line says why.
    case lastWords(line: String)
    /// What must not happen.
    case broken(String)
  }

  /// One boot of the table.
  struct Row {
    let failure: SystemCallFailure
    /// The failing call's name; nil if PID 1 made fewer calls.
    let call: String?
    let ending: Ending

    /// The columns N, call, errno, outcome and line.
    var text: String {
      let (outcome, line) =
        switch ending {
        case .asPromised: ("as promised", "")
        case .leafOnly(let line): ("leaf, but", line)
        case .fallsBack(let line): ("falls back", line)
        case .lastWords(let line): ("last words", line)
        case .broken(let reason): ("BROKEN", reason)
        }
      let error = failure.error.name + (failure.isLasting ? " always" : "")
      let columns = [("\(failure.number)", 5), (call ?? "-", 18), (error, 14), (outcome, 12)]
      return columns.map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined() + line
    }
  }
}

/// The boots of the table: the same small tree each time, moved by a PID 1 that a script executes.
struct FailingBoot {
  private let directory: RunDirectory
  private let boot: UserModeBoot
  private let stock: [String]
  private let names: [Int: String]

  /// How many system calls PID 1 makes if none fails.
  let calls: Int

  /// Two boots: as the kernel boots the tree without us, and with no call that fails.
  init() async throws {
    names = try Self.callNames()
    directory = try RunDirectory.temporary()
    // The kernel itself would make the leaf if the word were on its command line.
    var boot = UserModeBoot(kernel: "linux-um-6.12-faulty", tree: try Self.tree())
    boot.words = ["rootfstype=tmpfs", "rdinit=/prepare", "leafroot_init=/.leafroot-boot/init"]
    let image = directory.path.appending("tree.img")
    try await boot.write(image)
    boot.written = image
    boot.tree = GuestTree()
    self.boot = boot

    var stockBoot = boot
    stockBoot.words = ["rootfstype=tmpfs", "rdinit=/prepare-stock"]
    stock = Self.census(try await stockBoot.run(Self.script))

    let outcome = try await boot.run(Self.script)
    calls = outcome.console.lines.compactMap(Self.total).first ?? 0
    #expect(Self.ending(of: outcome, stock: stock) == .asPromised, "\(outcome)")
  }

  /// Removes the image.
  func remove() { directory.remove() }

  /// The rows of many boots, in the order of `failures`.
  func rows(_ failures: [SystemCallFailure]) async throws -> [SystemCallFailure.Row] {
    try await withThrowingTaskGroup(of: (Int, SystemCallFailure.Row).self) { group in
      for (place, failure) in failures.enumerated() {
        group.addTask { (place, try await row(failure)) }
      }
      return try await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
    }
  }

  /// The row of one boot; `change` is done to the tree before the census.
  func row(
    _ failure: SystemCallFailure, after change: String = ""
  ) async throws -> SystemCallFailure.Row {
    var boot = boot
    boot.words.append(failure.word)
    let outcome = try await boot.run("\(change)\n\(Self.script)")
    let number = outcome.console.lines.compactMap(Self.failedNumber).first
    return SystemCallFailure.Row(
      failure: failure, call: number.map { names[$0] ?? "\($0)" },
      ending: Self.ending(of: outcome, stock: stock))
  }

  /// What became of a boot whose tree would be `stock` without us.
  static func ending(of outcome: Outcome, stock: [String]) -> SystemCallFailure.Ending {
    guard let check = outcome.check else { return endingInPanic(outcome) }
    let said = outcome.verdict.logged.filter { !$0.hasPrefix("leafroot: moved ") }

    // This program is in the image, but not in the leaf.
    let its = check.isLeaf ? stock.filter { !$0.hasPrefix("./leafroot ") } : stock
    let excused = excuses.filter { excuse in said.contains { $0.hasPrefix(excuse.line) } }
      .flatMap(\.entries)
    if let difference = firstDifference(census(outcome), its, but: excused) {
      return .broken("another tree: \(difference)")
    }

    if check.asPromised { return said.last.map { .leafOnly(line: $0) } ?? .asPromised }
    guard let line = said.last(where: { check.isLeaf || $0.hasPrefix(seed) }) else {
      return .broken("not as promised, and no line says so: \(said)")
    }
    return check.isLeaf ? .leafOnly(line: line) : .fallsBack(line: line)
  }

  private static func endingInPanic(_ outcome: Outcome) -> SystemCallFailure.Ending {
    let lines = outcome.console.lines
    guard let panic = lines.firstIndex(where: { $0.contains("Kernel panic - not syncing") }) else {
      return .broken("no check, no panic: \(outcome.verdict.outcome.rawValue)")
    }
    // On the console, whatever `quiet` keeps from it. Before main() has begun, as musl starts, it
    // is the kernel that names the program: "leafroot[1]: segfault at …".
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

  /// What PID 1 says where it could not clean up, and the lines of the census that show it.
  private static let excuses = [
    (
      line: "leafroot: a trace of this program remains in the tree: ",
      entries: ["./leafroot ", ". 4"]
    ),
    (line: "leafroot: the real init's limit of open files remains 65536", entries: [". limits "]),
    (line: "leafroot: the real init's priority remains -20", entries: [". limits "]),
    (
      line: "leafroot: the real init's standard descriptors are not /dev/console: ",
      entries: [". descriptor "]
    ),
    // It is empty.
    (line: seed + "rmdir: ", entries: ["./.leaf "]),
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

  /// The census's lines without inode numbers, and without what only the boot has put there.
  private static func census(_ outcome: Outcome) -> [String] {
    outcome.output.split(separator: "\n").filter { $0.hasPrefix("./") || $0.hasPrefix(". ") }
      .map { line in
        var fields = line.split(separator: " ", omittingEmptySubsequences: false)
        if fields.count > 7 { fields.remove(at: 7) }
        return fields.joined(separator: " ")
      }
      .filter { !$0.hasPrefix("./.leafroot-boot") && !$0.hasPrefix("./dev/console ") }
  }

  /// What the real init sees.
  private static let script = """
    echo ". limits $(ulimit -n) $(busybox nice)"
    /census /
    busybox mount -t proc proc /proc
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

  /// The names of x86_64's system calls, by number: asm/unistd_64.h.
  private static func callNames() throws -> [Int: String] {
    let header = Place.cache.appending("musl/x86_64/linux-include/asm/unistd_64.h")
    let text = try String(contentsOfFile: header.string, encoding: .utf8)
    var names: [Int: String] = [:]
    for match in text.matches(of: #/#define __NR_(\w+) (\d+)/#) {
      names[Int(match.2) ?? -1] = String(match.1)
    }
    return names
  }

  /// What a program before PID 1 has made and mounted goes along.
  private static let preparation = """
    busybox mount -t tmpfs -o mode=0750 run /run
    echo kept > /run/file
    busybox touch -d @99 /run/file /run
    """

  /// Small, as there are a thousand boots of it, and with something of each kind.
  private static func tree() throws -> GuestTree {
    var tree = GuestTree()
    try tree.addProgram("leafroot")
    tree.file("census", try bytes(of: Place.census))
    tree.directory("run")
    tree.script("prepare", "\(preparation)\nexec /leafroot nonroot_initramfs")
    tree.script("prepare-stock", "\(preparation)\nexec /.leafroot-boot/init")

    tree.directory("links")
    let large = [UInt8](repeating: 0x61, count: 1 << 20) + [0x62]
    let shared: [(inode: UInt32, names: [String], mode: UInt32, data: [UInt8])] = [
      (9001, ["one", "two"], 0o100640, Array("shared".utf8)),
      (9002, ["three", "four", "five"], 0o104755, large),
      (9003, ["six", "seven"], 0o010600, []),
    ]
    for group in shared {
      for name in group.names {
        tree.add(
          Entry(
            name: Array("links/\(name)".utf8), mode: group.mode, userID: 1, groupID: 2,
            linkCount: UInt32(group.names.count), modificationTime: group.inode,
            inode: group.inode),
          name == group.names.last ? group.data : [])
      }
    }

    tree.directory("deep")
    tree.directory("deep/er", mode: 0o1777)
    tree.directory("deep/er/still", mode: 0o700)
    tree.file("deep/er/still/empty", [])
    tree.link("deep/er/link", to: "still/empty")
    tree.add(
      Entry(name: Array("deep/odd".utf8), mode: 0o042755, groupID: 50, modificationTime: 77))
    tree.add(
      Entry(
        name: Array("deep/disk".utf8), mode: 0o060660, modificationTime: 78,
        specialDevice: Device(major: 8, minor: 1)))
    tree.add(Entry(name: Array("deep/fifo".utf8), mode: 0o010644, modificationTime: 79))
    // Moved in pieces, the last one first.
    tree.file("large", (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) })
    return tree
  }
}
