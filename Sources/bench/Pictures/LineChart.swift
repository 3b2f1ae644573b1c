// SPDX-License-Identifier: MIT

/// Memory over boot time, a line for each variant.
struct LineChart {
  var title: String
  var conditions: String
  var curves: [MemoryCurve]

  private static let (width, height) = (720.0, 340.0)
  private static let (left, right, top, bottom) = (58.0, 150.0, 54.0, 36.0)

  var picture: SVG {
    var svg = SVG(width: Self.width, height: Self.height, title: "\(title): \(peaks)")
    svg.text(title, x: 0, y: 16)
    svg.text(conditions, x: 0, y: 34, .start, .quiet)
    drawAxes(in: &svg)
    var lastLabel = -Double.infinity
    for curve in curves.sorted(by: { $0.end > $1.end }) {
      svg.line(
        curve.samples.map { (x($0.seconds), y($0.used)) }, curve.variant.role,
        isDashed: curve.variant == .wrap)
      // Labels keep apart.
      lastLabel = max(y(curve.end) + 4, lastLabel + 16)
      svg.text(
        curve.variant.title, x: Self.width - Self.right + 8, y: lastLabel, .start,
        curve.variant.role)
    }
    return svg
  }

  private func drawAxes(in svg: inout SVG) {
    for mebibytes in stride(from: 0.0, through: maximum, by: 100) {
      svg.line([(Self.left, y(mebibytes)), (Self.width - Self.right, y(mebibytes))], .axis)
      svg.text("\(Int(mebibytes)) MiB", x: Self.left - 6, y: y(mebibytes) + 4, .end, .quiet)
    }
    for second in stride(from: 0.0, through: duration, by: 1) {
      svg.text("\(Int(second)) s", x: x(second), y: Self.height - 12, .middle, .quiet)
    }
  }

  private var duration: Double { curves.compactMap(\.samples.last?.seconds).max() ?? 1 }

  private var maximum: Double {
    let highest = curves.flatMap(\.samples).map(\.used).max() ?? 100
    return (highest / 100).rounded(.up) * 100
  }

  private func x(_ seconds: Double) -> Double {
    Self.left + seconds / duration * (Self.width - Self.left - Self.right)
  }

  private func y(_ mebibytes: Double) -> Double {
    let span = Self.height - Self.top - Self.bottom
    return Self.height - Self.bottom - mebibytes / maximum * span
  }

  private var peaks: String {
    curves.map { curve in
      "\(curve.variant.title) at most \(Int(curve.samples.map(\.used).max() ?? 0)) MiB"
    }.joined(separator: ", ")
  }
}

extension MemoryCurve {
  /// MiB at the real init.
  fileprivate var end: Double { samples.last?.used ?? 0 }
}
