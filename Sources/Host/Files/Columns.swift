// SPDX-License-Identifier: MIT

/// Labels and values, aligned.
public func columns(_ rows: [(label: String, value: String)]) -> String {
  columns(rows.map { [$0.label, $0.value] })
}

/// Rows of cells, aligned.
public func columns(_ rows: [[String]]) -> String {
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
