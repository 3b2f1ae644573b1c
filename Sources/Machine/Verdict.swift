// SPDX-License-Identifier: MIT

import FoundationEssentials

/// What a boot showed, read from its console.
public struct Verdict: Codable, Equatable, Sendable {
  /// How the boot went.
  public enum Outcome: String, Codable, Sendable {
    /// `/` is a leaf, pivot_root works, and rootfs is empty and sealed.
    case asPromised = "as promised"
    /// The check ran and found something else.
    case notAsPromised = "not as promised"
    /// The kernel panicked before the check, or PID 1 ended.
    case panicked = "kernel panic"
    /// The machine was switched off before the check.
    case timedOut = "timed out"
    /// The machine ended without a check.
    case unchecked = "no check"
  }

  /// What the command did that ran after the check.
  public struct Command: Codable, Equatable, Sendable {
    /// Its exit status; nil if the machine ended first.
    public var status: Int?
    /// What it printed.
    public var output: String

    /// A command that printed `output` and exited with `status`.
    public init(status: Int?, output: String) {
      self.status = status
      self.output = output
    }
  }

  /// How the boot went.
  public var outcome: Outcome
  /// What the check found; nil if it did not run.
  public var check: Check?
  /// The command; nil if none was started.
  public var command: Command?
  /// Whether the kernel could not unpack all of the image.
  public var isHalfUnpacked: Bool
  /// What LeafRoot said, in the kernel's log and on the console.
  public var logged: [String]
  /// The last lines of the console, where the boot did not reach the check.
  public var lastWords: [String]
  /// Seconds the machine ran, in time of the host.
  public var seconds: Double

  /// How many lines ``lastWords`` has at most.
  private static let lastWordCount = 8

  /// Reads the verdict from what a run printed.
  public init(_ run: Run) {
    self.init(run.console, ending: run.ending, elapsed: run.elapsed)
  }

  /// Reads the verdict from a console.
  public init(_ console: Console, ending: Run.Ending, elapsed: Duration = .zero) {
    let report = Report(console)
    check = report.check
    command = report.command
    isHalfUnpacked = console.lines.contains { $0.contains("Initramfs unpacking failed") }
    logged = console.lines.compactMap(Verdict.ownMessage).reduce(into: []) { known, message in
      // The kernel may have shown it on the console, too.
      if !known.contains(message) { known.append(message) }
    }
    seconds = elapsed / .seconds(1)

    if let check {
      outcome = check.asPromised ? .asPromised : .notAsPromised
    } else if console.lines.contains(where: { $0.contains("Kernel panic - not syncing") }) {
      outcome = .panicked
    } else {
      outcome = ending == .timedOut ? .timedOut : .unchecked
    }
    lastWords = check == nil ? Verdict.lastWords(console) : []
  }

  /// The kernel unpacked all of the image, and the check ran, whatever it found.
  public var reachedCheckWhole: Bool { check != nil && !isHalfUnpacked }

  /// The exit status that stands for this verdict: 0, 1, 2 or 3 (see `leafroot boot --help`).
  public var exitStatus: Int32 {
    switch outcome {
    case .panicked, .timedOut, .unchecked: 2
    case .notAsPromised: 1
    case .asPromised: command.map { $0.status == 0 ? 0 : 3 } ?? 0
    }
  }

  /// The message in `line` if it is LeafRoot's, without the time that the kernel puts before it.
  ///
  /// The guest reports those that `quiet` kept from the console.
  private static func ownMessage(_ line: String) -> String? {
    if let reported = line.firstRange(of: Mark.log) {
      return String(line[reported.upperBound...])
    }
    // The line of the patch that LeafRoot began with, kept word for word.
    for mark in ["leafroot: ", "Failed to create a non-root filesystem"] {
      guard let range = line.firstRange(of: mark) else { continue }
      let before = line[..<range.lowerBound]
      if before.isEmpty || before.hasPrefix("[") { return String(line[range.lowerBound...]) }
    }
    return nil
  }

  /// What led to the panic if there is one, else to the end.
  private static func lastWords(_ console: Console) -> [String] {
    let lines = console.lines.filter { line in !line.allSatisfy(\.isWhitespace) }
    if let panic = lines.firstIndex(where: { $0.contains("Kernel panic - not syncing") }) {
      return lines[...panic].suffix(lastWordCount)
    }
    return lines.suffix(lastWordCount)
  }
}

/// The lines with which the guest reports, `@leafroot …`, taken from a console.
private struct Report {
  var check: Check?
  var command: Verdict.Command?

  init(_ console: Console) {
    // The kernel may have begun a line before ours, so the mark is looked for inside lines. The
    // first check counts: what a command prints comes after it and could look the same.
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
    // Output that did not end its last line has the mark in that line.
    if !exit.before.isEmpty { lines.append(exit.before) }
    command = Verdict.Command(status: exit.status, output: lines.joined(separator: "\n"))
  }

  private static func check(in line: String) -> Check? {
    guard let mark = line.firstRange(of: Mark.check) else { return nil }
    return try? JSONDecoder().decode(Check.self, from: Data(line[mark.upperBound...].utf8))
  }

  private static func exit(in line: String) -> (before: String, status: Int)? {
    guard let mark = line.firstRange(of: Mark.exit),
      let status = Int(line[mark.upperBound...].filter { !$0.isWhitespace })
    else { return nil }
    return (String(line[..<mark.lowerBound]), status)
  }
}
