// SPDX-License-Identifier: MIT

/// Returns labels and values as lines of aligned columns.
public func columns(_ rows: [(label: String, value: String)]) -> String {
  columns(rows.map { [$0.label, $0.value] })
}

/// Returns rows of cells as lines of aligned columns.
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
