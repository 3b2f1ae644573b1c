// SPDX-License-Identifier: MIT

import Machines

/// What `leafroot boot` prints: a verdict for people, or the same as JSON.
struct BootReport: Encodable {
  let verdict: Verdict
  /// The files that the run has left; nil for those that are removed.
  private let directory: String?
  private let log: String?
  private let replay: String?
  private let accelerator: String

  init(
    _ verdict: Verdict, directory: String?, log: String?, replay: String?, accelerator: String
  ) {
    self.verdict = verdict
    self.directory = directory
    self.log = log
    self.replay = replay
    self.accelerator = accelerator
  }

  private enum Key: CodingKey {
    case exitStatus, directory, log, replay, accelerator
  }

  /// The keys of the verdict, and those of the run.
  func encode(to encoder: any Encoder) throws {
    try verdict.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(verdict.exitStatus, forKey: .exitStatus)
    try container.encodeIfPresent(directory, forKey: .directory)
    try container.encodeIfPresent(log, forKey: .log)
    try container.encodeIfPresent(replay, forKey: .replay)
    try container.encode(accelerator, forKey: .accelerator)
  }

  /// Two aligned columns.
  func table() -> String { columns(rows()) }

  private func rows() -> [(label: String, value: String)] {
    var rows = [("verdict", verdict.outcome.rawValue)]
    if verdict.isHalfUnpacked {
      rows.append(("image", "half unpacked: out of memory, or damaged"))
    }
    if let check = verdict.check {
      let kind = check.isLeaf ? "a leaf" : "not a leaf"
      let mount = "mount \(check.mountId) on \(check.parentId), \(check.type) \(check.options)"
      rows.append(("/", "\(kind): \(mount)"))
      rows.append(("pivot_root", check.pivotRoot))
      if let below = check.below {
        let entries = below.entries == 1 ? "1 entry" : "\(below.entries) entries"
        let reach = below.mounts > 0 ? ", also mounted elsewhere" : ""
        rows.append(("below", "\(entries), \(below.sealed ? "sealed" : "not sealed")\(reach)"))
      }
    }
    if let command = verdict.command {
      rows.append(("command", command.status.map { "exit \($0)" } ?? "did not exit"))
    }
    rows += labelled("said", verdict.logged)
    rows += labelled("last words", verdict.lastWords)
    rows.append(("time", time))
    if let directory { rows.append(("kept", directory)) }
    if let log { rows.append(("log", log)) }
    if let replay { rows.append(("replay", replay)) }
    return rows
  }

  private var time: String {
    let seconds = "\(hundredths(verdict.seconds)) s with \(accelerator)"
    guard let check = verdict.check else { return seconds }
    return "\(seconds), check at \(hundredths(check.uptime)) s in the guest"
  }

  /// Rows for `lines`, the label on the first of them.
  private func labelled(_ label: String, _ lines: [String]) -> [(String, String)] {
    lines.enumerated().map { ($0.offset == 0 ? label : "", $0.element) }
  }
}
