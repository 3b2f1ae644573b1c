// SPDX-License-Identifier: MIT

import Files

extension Verdict {
  /// Returns the verdict as two aligned columns.
  public func table() -> String { columns(rows()) }

  private func rows() -> [(label: String, value: String)] {
    var rows = [("verdict", outcome.rawValue)]
    if isHalfUnpacked {
      rows.append(("image", "half unpacked: out of memory, or damaged"))
    }
    if let check {
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
    if let command { rows.append(("command", "\(command)")) }
    rows += labelled("said", logged)
    rows += labelled("last words", lastWords)
    rows.append(("time", time))
    if let directory { rows.append(("kept", directory)) }
    if let log { rows.append(("log", log)) }
    if let replay { rows.append(("replay", replay)) }
    return rows
  }

  private var time: String {
    let machine = accelerator.map { " with \($0.rawValue)" } ?? ""
    let time = "\(hundredths(seconds)) s\(machine)"
    guard let check else { return time }
    return "\(time), check at \(hundredths(check.uptime)) s in the guest"
  }

  /// Returns rows for `lines`, with the label in the first one.
  private func labelled(_ label: String, _ lines: [String]) -> [(String, String)] {
    lines.enumerated().map { ($0.offset == 0 ? label : "", $0.element) }
  }
}
