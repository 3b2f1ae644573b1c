// SPDX-License-Identifier: MIT

extension Growth {
  /// Time over bytes.
  var picture: SVG {
    LineChart(
      title: "Time to the real init, by the size of the tree",
      conditions: "1,000 files, Linux \(kernel), a nanosecond for each instruction, \(date)",
      horizontal: LineChart.Axis(unit: "MB", step: 500),
      vertical: LineChart.Axis(unit: "s", step: 10),
      lines: Growth.variants.map { variant in
        LineChart.Line(
          variant: variant,
          points: bySize.compactMap { step in
            step.uptime(variant).map { (Double(step.bytes) / 1e6, $0) }
          })
      }
    ).picture
  }
}
