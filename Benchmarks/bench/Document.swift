// SPDX-License-Identifier: MIT

import Files
import SystemPackage

/// A document with tables of measurements.
struct Document {
  let path: FilePath

  init(_ path: FilePath) { self.path = path }

  /// Puts `table` between the lines `<!-- NAME:begin -->` and `<!-- NAME:end -->`.
  func update(_ name: String, with table: String) throws(FileError) {
    let old = String(decoding: try InputFile(path).bytes(), as: UTF8.self)
    let (first, last) = ("<!-- \(name):begin -->", "<!-- \(name):end -->")
    guard let begin = old.firstRange(of: first + "\n"), let end = old.firstRange(of: last + "\n"),
      begin.upperBound <= end.lowerBound
    else {
      throw FileError(
        path, found: "no place for the table", expected: "the lines \(first) and \(last)")
    }
    let new = old[..<begin.upperBound] + table + old[end.lowerBound...]
    try OutputFile.write(Array(new.utf8), to: path)
  }
}

/// A Markdown table: the first column is left-aligned, the others right-aligned if `areNumbers`.
func markdownTable(
  _ columns: [String], _ rows: [[String]], areNumbers: Bool = false
) -> String {
  let rule = columns.indices.map { $0 > 0 && areNumbers ? "--:" : "---" }
  let lines = [row(columns), "|\(rule.joined(separator: "|"))|"] + rows.map(row)
  return lines.map { $0 + "\n" }.joined()
}

private func row(_ cells: [String]) -> String {
  let cells = cells.map { $0.isEmpty ? " " : " \($0.replacing("|", with: "\\|")) " }
  return "|\(cells.joined(separator: "|"))|"
}

extension Results {
  /// The table of costs.
  var markdown: String {
    markdownTable(
      [
        "", "real init", "over stock", "memory kept", "all read", "least memory",
        "with `size=90%`",
      ],
      times.map { time in
        let over = time.variant.hasLeaf ? overStock(time.variant) : nil
        return [
          time.variant.title, time.uptime.map { "\(fixed($0, 2)) s" } ?? "–",
          over.map { ($0 < 0 ? "" : "+") + "\(fixed($0, 2)) s" } ?? "",
          time.kept.map { "\($0) MiB" } ?? "–", time.read.map { "\(fixed($0, 2)) s" } ?? "–",
        ]
          + [nil, "size=90%"].map { options in
            least(time.variant, options: options).map { "\($0) MiB" } ?? "–"
          }
      }, areNumbers: true)
  }
}
