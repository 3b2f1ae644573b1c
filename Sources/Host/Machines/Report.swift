// SPDX-License-Identifier: MIT

import FoundationEssentials

/// The guest's report: the lines `@leafroot …` of a console.
struct Report {
  var check: Check?
  var command: Verdict.Command?

  init(_ console: Console) {
    // Our line may continue a line of the kernel, so search for the mark inside lines. The first
    // check counts: the output of the command comes later, and could look the same.
    guard
      let first = console.lines.firstIndex(where: { Report.check(in: $0) != nil })
    else { return }
    check = Report.check(in: console.lines[first])

    let rest = console.lines[(first + 1)...]
    guard let start = rest.firstIndex(where: { $0.contains(Mark.command) }) else { return }
    let output = rest[(start + 1)...]
    // The last exit counts, for the same reason.
    guard let end = output.lastIndex(where: { Report.exit(in: $0) != nil }),
      let exit = Report.exit(in: output[end])
    else {
      command = Verdict.Command(status: nil, output: output.joined(separator: "\n"))
      return
    }
    var lines = Array(output[..<end])
    // If the output does not end with a line feed, the mark is in its last line.
    if !exit.before.isEmpty { lines.append(exit.before) }
    command = Verdict.Command(status: exit.status, output: lines.joined(separator: "\n"))
  }

  static func check(in line: String) -> Check? {
    guard let mark = line.firstRange(of: Mark.check) else { return nil }
    return try? JSONDecoder().decode(Check.self, from: Data(line[mark.upperBound...].utf8))
  }

  private static func exit(in line: String) -> (before: String, status: Int)? {
    guard let mark = line.firstRange(of: Mark.exit),
      let status = status(line[mark.upperBound...])
    else { return nil }
    return (String(line[..<mark.lowerBound]), status)
  }

  /// The exit status that follows ``Mark/exit`` in a line.
  static func status(_ text: some StringProtocol) -> Int? {
    Int(String(text.filter { !$0.isWhitespace }))
  }
}
