// SPDX-License-Identifier: MIT

/// What a document shows of a terminal: the commands in its blocks ```` ```console ````, and what
/// each prints. In a command, a line that begins with `>` continues the one before. In what is
/// printed, `…` stands for any text of a line, and alone in a line for any lines.
struct Transcript {
  struct Step {
    var command: String
    var expected: [String] = []
    /// The line of the document.
    var line: Int
  }

  private(set) var steps: [Step] = []

  init(_ markdown: String) {
    var indent: Int?
    for (index, line) in markdown.split(separator: "\n", omittingEmptySubsequences: false)
      .enumerated()
    {
      let text = line.drop { $0 == " " }
      if text == "```console" {
        indent = line.count - text.count
      } else if text == "```" {
        indent = nil
      } else if let indent {
        add(String(line.dropFirst(indent)), line: index + 1)
      }
    }
  }

  private mutating func add(_ line: String, line number: Int) {
    if line.hasPrefix("$ ") {
      steps.append(Step(command: String(line.dropFirst(2)), line: number))
    } else if !steps.isEmpty {
      if line.hasPrefix("> "), steps[steps.count - 1].expected.isEmpty {
        steps[steps.count - 1].command += "\n" + line.dropFirst(2)
      } else {
        steps[steps.count - 1].expected.append(line)
      }
    }
  }
}

extension Transcript.Step {
  /// Whether a command printed what the document shows.
  func matches(_ output: String) -> Bool {
    var lines = output.split(separator: "\n", omittingEmptySubsequences: false)[...]
    if lines.last == "" { lines.removeLast() }
    return Self.matches(expected[...], lines)
  }

  private static func matches(
    _ expected: ArraySlice<String>, _ lines: ArraySlice<Substring>
  ) -> Bool {
    guard let first = expected.first else { return lines.isEmpty }
    let rest = expected.dropFirst()
    if first == "…" {
      return lines.indices.contains { matches(rest, lines[$0...]) }
        || matches(rest, lines[lines.endIndex...])
    }
    guard let line = lines.first, isLine(line, like: first) else { return false }
    return matches(rest, lines.dropFirst())
  }

  private static func isLine(_ line: Substring, like pattern: String) -> Bool {
    let parts = pattern.split(separator: "…", omittingEmptySubsequences: false)
    guard line.hasPrefix(parts[0]) else { return false }
    var rest = line.dropFirst(parts[0].count)
    for part in parts.dropFirst().dropLast() {
      guard let found = rest.firstRange(of: part) else { return false }
      rest = rest[found.upperBound...]
    }
    return parts.count == 1 ? rest.isEmpty : rest.hasSuffix(parts[parts.count - 1])
  }
}
