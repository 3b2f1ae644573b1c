// SPDX-License-Identifier: MIT

/// A table of text with aligned columns: the first to the left, the others to the right.
struct Table {
  private var rows: [[String]] = []

  mutating func add(_ cells: String...) { rows.append(cells) }
  mutating func add(_ cells: [String]) { rows.append(cells) }

  var text: String {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      row.enumerated().map { column, cell in
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        return column == 0 ? cell + padding : "  " + padding + cell
      }.joined().trimmingEnd
    }.joined(separator: "\n")
  }
}

extension String {
  fileprivate var trimmingEnd: String {
    var text = self[...]
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}

/// `value` with `digits` decimals.
func fixed(_ value: Double, _ digits: Int) -> String {
  var scale = 1
  for _ in 0..<digits { scale *= 10 }
  let rounded = Int((value.magnitude * Double(scale)).rounded())
  let sign = value < 0 && rounded > 0 ? "-" : ""
  guard digits > 0 else { return "\(sign)\(rounded)" }
  let fraction = String(rounded % scale)
  let zeros = String(repeating: "0", count: digits - fraction.count)
  return "\(sign)\(rounded / scale).\(zeros)\(fraction)"
}

extension Results {
  /// The results as text.
  func table() -> String {
    var parts = [head, variants, trials.table, budgetTable]
    if let processors {
      parts.insert(moves(processors), at: 3)
    }
    return (parts + ["total \(fixed(seconds / 60, 1)) min"]).joined(separator: "\n\n")
  }

  private var head: String {
    """
    Linux \(kernel), QEMU \(host.qemu), \(host.processors) × \(host.processor)
    \(fixed(Double(image.bytes) / 1e6, 1)) MB in \(image.files) files, \
    \(fixed(Double(image.compressed) / 1e6, 1)) MB as zstd -\(image.level)
    """
  }

  private var variants: String {
    var table = Table()
    table.add("", "real init", "over stock", "memory kept", "all read", "least memory", "size=90%")
    for time in times {
      let over = time.variant.hasLeaf ? overStock(time.variant) : nil
      table.add(
        time.variant.title,
        time.uptime.map { "\(fixed($0, 2)) s" } ?? time.problem ?? "",
        over.map { "\($0 < 0 ? "" : "+")\(fixed($0, 2)) s" } ?? "",
        time.kept.map { "\($0) MiB" } ?? "–",
        time.read.map { "\(fixed($0, 2)) s" } ?? "–",
        least(time.variant, options: nil).map { "\($0) MiB" } ?? "–",
        least(time.variant, options: "size=90%").map { "\($0) MiB" } ?? "–")
    }
    return table.text
  }

  private func moves(_ processors: Processors) -> String {
    var table = Table()
    table.add("the move", "median", "least", "most", "boots")
    for (name, values) in [("1 cpu", processors.one), ("2 cpus", processors.two)] {
      table.add(
        name, median(values.map(Double.init)).map { "\(fixed($0, 0)) ms" } ?? "–",
        values.min().map { "\($0) ms" } ?? "–", values.max().map { "\($0) ms" } ?? "–",
        "\(values.count)")
    }
    return table.text + "\nhost load meanwhile: \(fixed(processors.load, 1)), up to 2 of it our own"
  }

  private var budgetTable: String {
    var table = Table()
    table.add("budget", "measured", "allowed", "")
    for budget in budgets {
      let unit = budget.unit.isEmpty ? "" : " \(budget.unit)"
      table.add(
        budget.name, fixed(budget.measured, budget.digits) + unit,
        "≤ " + fixed(budget.allowed, budget.digits) + unit, budget.isMet ? "met" : "MISSED")
    }
    return table.text
  }
}
