// SPDX-License-Identifier: MIT

import Machines

/// The outcome of one timed boot.
struct TimedBoot: Sendable {
  /// Seconds from the guest's start to the real init; nil unless that ran on the expected kind of
  /// root with the whole tree.
  let uptime: Double?
  /// Milliseconds that PID 1 reports for its own work.
  let moved: Int?
  /// What the image's files told while they were read, once all of them had been.
  let reading: Reading?
  /// Why ``uptime`` is nil.
  let problem: String?
  /// Seconds on the host.
  let seconds: Double

  init(_ run: Run, _ variant: Variant) {
    let verdict = Verdict(run)
    var problem = TimedBoot.problem(verdict, variant)
    if problem == nil, verdict.command?.status != 0 { problem = "the tree is incomplete" }
    self.problem = problem
    uptime = problem == nil ? verdict.check?.uptime : nil
    moved = run.console.lines.lazy.compactMap(TimedBoot.milliseconds).first
    reading = verdict.command.flatMap { Reading($0.output.split(separator: "\n")) }
    seconds = verdict.seconds
  }

  /// Why the real init did not run on the expected kind of root; nil if it did.
  static func problem(_ verdict: Verdict, _ variant: Variant) -> String? {
    if verdict.isHalfUnpacked { return "half unpacked" }
    guard let check = verdict.check else {
      return ([verdict.outcome.rawValue] + verdict.lastWords.suffix(1)).joined(separator: ": ")
    }
    guard check.isLeaf == variant.hasLeaf else {
      return check.isLeaf ? "already a leaf" : "no leaf"
    }
    if variant.isOurs, !check.asPromised { return "not as promised" }
    return nil
  }

  /// `leafroot: moved 4 entries, 3 bytes in 2 ms; …` → 2; also understands `unpacked`.
  private static func milliseconds(in line: String) -> Int? {
    guard let mark = line.firstRange(of: "leafroot: "),
      case let words = line[mark.upperBound...].split(separator: " "),
      ["moved", "unpacked"].contains(words.first)
    else { return nil }
    guard let unit = words.firstIndex(where: { $0 == "ms" || $0 == "ms;" }), unit > 0 else {
      return nil
    }
    return Int(words[unit - 1])
  }
}
