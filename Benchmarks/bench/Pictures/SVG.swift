// SPDX-License-Identifier: MIT

import Files
import SystemPackage

/// A picture for light and dark pages: it follows the reader's colour scheme
/// (prefers-color-scheme).
struct SVG {
  let width: Double
  let height: Double
  /// The text for screen readers.
  let title: String
  private var body = ""

  init(width: Double, height: Double, title: String) {
    (self.width, self.height, self.title) = (width, height, title)
  }

  /// The point of a text that its position refers to.
  enum Anchor: String {
    case start, middle, end
  }

  /// What a shape means.
  enum Role: String {
    case text, quiet, axis, stock, other, ours
  }

  mutating func text(
    _ text: String, x: Double, y: Double, _ anchor: Anchor = .start, _ role: Role = .text
  ) {
    body += """
        <text x="\(number(x))" y="\(number(y))" text-anchor="\(anchor.rawValue)" \
      class="t \(role.rawValue)">\(Self.escaped(text))</text>

      """
  }

  mutating func rectangle(
    x: Double, y: Double, width: Double, height: Double, _ role: Role, isDashed: Bool = false
  ) {
    body += """
        <rect x="\(number(x))" y="\(number(y))" width="\(number(width))" \
      height="\(number(height))" rx="2" class="\(role.rawValue)\(isDashed ? " dashed" : "")"/>

      """
  }

  mutating func line(_ points: [(x: Double, y: Double)], _ role: Role, isDashed: Bool = false) {
    let list = points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
    body += """
        <polyline points="\(list)" class="l \(role.rawValue)\(isDashed ? " dashed" : "")"/>

      """
  }

  /// The content of the file.
  var bytes: [UInt8] {
    Array(
      """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(number(width)) \(number(height))" \
      width="\(number(width))" height="\(number(height))" role="img">
        <title>\(Self.escaped(title))</title>
        <style>
          .t { font: 13px system-ui, sans-serif }
          .l { fill: none; stroke-width: 2 } .l.axis { stroke-width: 1 }
          .dashed { stroke-dasharray: 4 3 }
      \(Self.rules(Self.light))
          @media (prefers-color-scheme: dark) {
      \(Self.rules(Self.dark))
          }
        </style>
      \(body)</svg>

      """.utf8)
  }

  /// Writes the picture to the file `path`, whole or not at all.
  func write(to path: FilePath) throws(FileError) { try OutputFile.write(bytes, to: path) }

  private static let light: [(Role, colour: String)] = [
    (.text, "#1f2328"), (.quiet, "#59636e"), (.axis, "#d1d9e0"), (.stock, "#8c959f"),
    (.other, "#bc8c00"), (.ours, "#1a7f37"),
  ]
  private static let dark: [(Role, colour: String)] = [
    (.text, "#f0f6fc"), (.quiet, "#9198a1"), (.axis, "#3d444d"), (.stock, "#7d8590"),
    (.other, "#d29922"), (.ours, "#3fb950"),
  ]

  /// Colours are literal: not every viewer supports CSS variables.
  private static func rules(_ colours: [(Role, colour: String)]) -> String {
    colours.map { role, colour in
      let name = role.rawValue
      return """
              .t.\(name), rect.\(name) { fill: \(colour) } .l.\(name) { stroke: \(colour) }
        """
    }.joined(separator: "\n")
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
  }

  private func number(_ value: Double) -> String {
    fixed(value, 1).replacing(".0", with: "")
  }
}
