// SPDX-License-Identifier: MIT

/// A chart with one line for each variant; both axes begin at 0.
struct LineChart {
  /// What an axis counts.
  struct Axis {
    var unit: String
    /// The distance between two ticks.
    var step: Double
  }

  /// The points of one variant.
  struct Line {
    var variant: Variant
    /// Sorted by x.
    var points: [(x: Double, y: Double)]
  }

  var title: String
  var conditions: String
  var horizontal: Axis
  var vertical: Axis
  var lines: [Line]

  private static let (width, height) = (720.0, 340.0)
  private static let (left, right, top, bottom) = (58.0, 150.0, 54.0, 36.0)

  var picture: SVG {
    var svg = SVG(width: Self.width, height: Self.height, title: "\(title): \(peaks)")
    svg.text(title, x: 0, y: 16)
    svg.text(conditions, x: 0, y: 34, .start, .quiet)
    drawAxes(in: &svg)
    var lastLabel = -Double.infinity
    for line in lines.sorted(by: { $0.end > $1.end }) {
      svg.line(
        line.points.map { (x($0.x), y($0.y)) }, line.variant.role,
        isDashed: line.variant == .wrap)
      // Keep labels apart.
      lastLabel = max(y(line.end) + 4, lastLabel + 16)
      svg.text(
        line.variant.title, x: Self.width - Self.right + 8, y: lastLabel, .start,
        line.variant.role)
    }
    return svg
  }

  private func drawAxes(in svg: inout SVG) {
    for value in stride(from: 0.0, through: maximum, by: vertical.step) {
      svg.line([(Self.left, y(value)), (Self.width - Self.right, y(value))], .axis)
      svg.text("\(Int(value)) \(vertical.unit)", x: Self.left - 6, y: y(value) + 4, .end, .quiet)
    }
    for value in stride(from: 0.0, through: end, by: horizontal.step) {
      svg.text(
        "\(Int(value)) \(horizontal.unit)", x: x(value), y: Self.height - 12, .middle, .quiet)
    }
  }

  private var end: Double { lines.flatMap(\.points).map(\.x).max() ?? 1 }

  private var maximum: Double {
    let highest = lines.flatMap(\.points).map(\.y).max() ?? vertical.step
    return (highest / vertical.step).rounded(.up) * vertical.step
  }

  private func x(_ value: Double) -> Double {
    Self.left + value / end * (Self.width - Self.left - Self.right)
  }

  private func y(_ value: Double) -> Double {
    let span = Self.height - Self.top - Self.bottom
    return Self.height - Self.bottom - value / maximum * span
  }

  private var peaks: String {
    lines.map { line in
      "\(line.variant.title) at most \(Int(line.points.map(\.y).max() ?? 0)) \(vertical.unit)"
    }.joined(separator: ", ")
  }
}

extension LineChart.Line {
  /// The last value.
  fileprivate var end: Double { points.last?.y ?? 0 }
}
