// SPDX-License-Identifier: MIT

import Fidelity

extension [Trial] {
  private static var columns: [String] {
    ["", "lost of the tree", "left in rootfs", "a container's process", "runtimes that work"]
  }

  /// The table as text.
  var table: String {
    var table = Table()
    table.add(Self.columns)
    for trial in self { table.add([trial.variant.title] + trial.cells) }
    return table.text
  }

  /// The table in Markdown.
  var markdown: String {
    markdownTable(Self.columns, map { [$0.variant.title] + $0.cells })
  }
}

extension Trial {
  /// The columns after the title.
  var cells: [String] {
    if let problem { return [problem, "–", "–", "–"] }
    let left = entriesLeft.map { $0 == 1 ? "1 entry" : "\($0) entries" }
    let total = runtimes.all.count
    return [
      variant == .stock ? "–" : losses?.description ?? "–", left ?? "–",
      escape?.description ?? "–", "\(runtimes.passing.count) of \(total)",
    ]
  }
}
