// SPDX-License-Identifier: MIT

import Machine

/// What came of one boot.
struct Boot: Sendable {
  /// Seconds from the guest's start to the real init; nil if that was not reached as it should be,
  /// on the right kind of root and with the whole tree.
  let uptime: Double?
  /// Milliseconds that leafroot-init says it took.
  let moved: Int?
  /// Why ``uptime`` is nil.
  let problem: String?
  /// Seconds of the host.
  let seconds: Double

  init(_ run: Run, _ variant: Variant) {
    let verdict = Verdict(run)
    problem = Boot.problem(verdict, variant)
    uptime = problem == nil ? verdict.check?.uptime : nil
    moved = run.console.lines.lazy.compactMap(Boot.milliseconds).first
    seconds = verdict.seconds
  }

  private static func problem(_ verdict: Verdict, _ variant: Variant) -> String? {
    if verdict.isHalfUnpacked { return "half unpacked" }
    guard let check = verdict.check else {
      return ([verdict.outcome.rawValue] + verdict.lastWords.suffix(1)).joined(separator: ": ")
    }
    guard check.isLeaf == (variant != .stock) else {
      return check.isLeaf ? "already a leaf" : "no leaf"
    }
    if variant.isForm, !check.asPromised { return "not as promised" }
    return verdict.command?.status == 0 ? nil : "the tree is incomplete"
  }

  /// `leafroot: moved 4 entries, 3 bytes in 2 ms; …` → 2
  private static func milliseconds(in line: String) -> Int? {
    guard let mark = line.firstRange(of: "leafroot: moved ") else { return nil }
    let words = line[mark.upperBound...].split(separator: " ")
    guard let unit = words.firstIndex(where: { $0 == "ms" || $0 == "ms;" }), unit > 0 else {
      return nil
    }
    return Int(words[unit - 1])
  }
}
