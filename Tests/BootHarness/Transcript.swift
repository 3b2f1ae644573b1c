// SPDX-License-Identifier: MIT

/// The terminal sessions in a document: the commands in its ```` ```console ```` blocks, and their
/// output. A line that begins with `>` continues a command. In output, `…` stands for any text in a
/// line, and alone on a line for any lines.
struct Transcript {
  struct Step {
    var command: String
    var expected: [String] = []
    /// The line number in the document.
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
  /// Whether the command's output is as shown in the document.
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
