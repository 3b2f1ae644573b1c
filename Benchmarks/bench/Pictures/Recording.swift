// SPDX-License-Identifier: MIT

import Files
import Subprocess
import SystemPackage

/// What a program printed, and when.
struct Recording {
  struct Line {
    var text: String
    /// Seconds since the program started.
    var time: Double
  }

  private let lines: [Line]

  init(_ lines: [Line]) { self.lines = lines }

  /// Runs `program` to its end.
  /// - Throws: ``FileError`` if it fails; `CancellationError`.
  init(of program: FilePath) async throws {
    let clock = ContinuousClock()
    let start = clock.now
    let result = try await Subprocess.run(
      .path(program), input: .none, output: .sequence, error: .currentStandardError
    ) { execution in
      var lines: [Line] = []
      for try await text in execution.standardOutput.strings() {
        let time = (clock.now - start) / .seconds(1)
        lines.append(Line(text: text.filter { $0 != "\n" }, time: time))
      }
      return lines
    }
    guard result.terminationStatus.isSuccess else {
      throw FileError(program, "failed: \(result.terminationStatus)")
    }
    lines = result.closureResult
  }

  private static let columns = 100
  private static let lineHeight = 18.0
  /// Readers wait no longer for a line.
  private static let longestWait = 2.0

  /// The lines on a terminal of 100 columns, each at its time; all at once where a reader wants no
  /// motion, or the program that shows the picture has none.
  func picture(title: String) -> SVG {
    let rows = rows
    var svg = SVG(
      width: 820, height: Double(rows.count) * Self.lineHeight + 24, title: title)
    svg.rectangle(x: 0.5, y: 0.5, width: 819, height: svg.height - 1, .box)
    for (index, row) in rows.enumerated() where !row.text.isEmpty {
      svg.terminal(
        Self.pieces(of: row.text), x: 14, y: Double(index + 1) * Self.lineHeight + 6,
        after: row.time)
    }
    return svg
  }

  /// Pieces of one colour.
  private static func pieces(of line: String) -> [(text: String, role: SVG.Role)] {
    var pieces: [(text: String, role: SVG.Role)] = []
    for (place, word) in line.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
      let text = (place > 0 ? " " : "") + word
      if let last = pieces.last, last.role == role(of: word) {
        pieces[pieces.count - 1].text += text
      } else {
        pieces.append((text, role(of: word)))
      }
    }
    return pieces
  }

  private static func role(of word: Substring) -> SVG.Role {
    switch word {
    case "ok": .ours
    case "FAILED": .warning
    default: .text
    }
  }

  /// Each as long as the terminal is wide, with waits that are not too long.
  private var rows: [Line] {
    var rows: [Line] = []
    var (time, last) = (0.0, 0.0)
    for line in lines {
      time += min(line.time - last, Self.longestWait)
      last = line.time
      var rest = line.text[...]
      repeat {
        rows.append(Line(text: String(rest.prefix(Self.columns)), time: time))
        rest = rest.dropFirst(Self.columns)
      } while !rest.isEmpty
    }
    return rows
  }
}
