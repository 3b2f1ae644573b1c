// SPDX-License-Identifier: MIT

extension Growth {
  private static let columns = [
    "stock", "cp -a over it", "wrap over it", "its move", "pack over it", "its unpacking",
    "squash over it", "need: stock", "wrap", "pack", "squash",
  ]

  /// The rows of one series; the last one says how linear it is.
  private static func rows(
    _ steps: [Step], _ title: (Step) -> String, unit: (Step) -> Int
  ) -> [[String]] {
    let times: [(Step) -> Double?] = [
      { $0.uptime(.stock) }, { $0.overStock(.cp) }, { $0.overStock(.wrap) }, { $0.own(.wrap) },
      { $0.overStock(.pack) }, { $0.own(.pack) }, { $0.overStock(.squash) },
    ]
    let needs: [(Step) -> Double?] = [
      { Double($0.need) }, { Double($0.wrappedNeed) }, { Double($0.packedNeed) },
      { Double($0.squashedNeed) },
    ]
    let measured = steps.map { step in
      [title(step)] + times.map { $0(step).map { "\(fixed($0, 2)) s" } ?? "–" }
        + needs.map { $0(step).map { "\(fixed($0, 0)) MiB" } ?? "–" }
    }
    let ratios = (times + needs).map { cost in
      steps.ratio(unit, cost).map { "× \(fixed($0, 2))" } ?? "–"
    }
    return measured + [["upper to lower half"] + ratios]
  }

  private var sizeRows: [[String]] {
    Self.rows(bySize, { "\($0.bytes / 1_000_000) MB" }, unit: \.bytes)
  }

  private var fileRows: [[String]] {
    Self.rows(byFiles, { "\($0.files) files" }, unit: \.files)
  }

  private var sizeColumns: [String] { ["1,000 files"] + Self.columns }
  private var fileColumns: [String] { ["40 MB"] + Self.columns }

  /// The tables as text.
  var text: String {
    [(sizeColumns, sizeRows), (fileColumns, fileRows)].map { columns, rows in
      var table = Table()
      table.add(columns)
      for row in rows { table.add(row) }
      return table.text
    }.joined(separator: "\n\n")
  }

  /// The tables in Markdown.
  var markdown: String {
    """
    Measured on \(date) with Linux \(kernel):

    \(markdownTable(sizeColumns, sizeRows, areNumbers: true))
    \(markdownTable(fileColumns, fileRows, areNumbers: true))
    """
  }
}
