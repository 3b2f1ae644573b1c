// SPDX-License-Identifier: MIT

import FoundationEssentials

/// One JSON object, keys sorted.
func json(_ report: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(report), as: UTF8.self)
}

/// Labels and values, aligned.
func columns(_ rows: [(label: String, value: String)]) -> String {
  columns(rows.map { [$0.label, $0.value] })
}

/// Rows of cells, aligned.
func columns(_ rows: [[String]]) -> String {
  let count = rows.map(\.count).max() ?? 0
  let widths = (0..<count).map { column in
    rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
  }
  return rows.map { row in
    zip(row, widths).enumerated().map { column, cell in
      let (text, width) = cell
      let isLast = column == row.count - 1
      return isLast ? text : text + String(repeating: " ", count: width - text.count + 2)
    }.joined()
  }.joined(separator: "\n")
}

/// With two decimals: the guest's clock has no more.
func hundredths(_ seconds: Double) -> String {
  let hundredths = Int((seconds * 100).rounded())
  let fraction = hundredths % 100
  return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
}
