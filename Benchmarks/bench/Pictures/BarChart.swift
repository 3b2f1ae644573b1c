// SPDX-License-Identifier: MIT

/// A chart with one bar for each variant.
struct BarChart {
  struct Bar {
    var variant: Variant
    var value: Double
    /// The text behind the bar.
    var label: String
  }

  var title: String
  /// The line under the title.
  var conditions: String
  var bars: [Bar]

  private static let (rowHeight, barHeight, left, width) = (26.0, 16.0, 190.0, 720.0)

  var picture: SVG {
    let height = 58 + Self.rowHeight * Double(bars.count)
    var svg = SVG(width: Self.width, height: height, title: "\(title): \(words)")
    svg.text(title, x: 0, y: 16)
    svg.text(conditions, x: 0, y: 34, .start, .quiet)
    let scale = (Self.width - Self.left - 90) / (bars.map(\.value).max() ?? 1)
    for (index, bar) in bars.enumerated() {
      let y = 50 + Self.rowHeight * Double(index)
      svg.text(bar.variant.title, x: Self.left - 10, y: y + 13, .end)
      svg.rectangle(
        x: Self.left, y: y, width: max(1, bar.value * scale), height: Self.barHeight,
        bar.variant.role)
      svg.text(bar.label, x: Self.left + bar.value * scale + 8, y: y + 13)
    }
    return svg
  }

  private var words: String {
    bars.map { "\($0.variant.title) \($0.label)" }.joined(separator: ", ")
  }
}

extension Variant {
  /// The variant's colour in pictures.
  var role: SVG.Role {
    switch self {
    case .stock, .kernelStock: .stock
    case .wrap, .pack, .packLZ4, .nest, .squash, .kernel: .ours
    case .cp, .fileByFile, .tar, .nested, .retainInitrd, .squashByHand, .bind, .ramDisk: .other
    }
  }
}
