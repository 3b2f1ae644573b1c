// SPDX-License-Identifier: MIT

import Files
import SystemPackage

/// How one boot of a matrix went.
public struct MatrixResult: Sendable {
  /// What was booted.
  public let boot: BootMatrix.Case
  /// The verdict as a single boot shows it, or the error.
  let details: String
  /// In a few words.
  public let summary: String
  /// nil if the boot could not be made.
  let status: Int32?
  let seconds: Double
  /// The last lines of the console.
  private(set) var console: [String] = []
  /// What was kept.
  private(set) var directory: FilePath?

  /// How much of a console is kept in memory and written.
  private static let lineCount = 200

  init(_ boot: BootMatrix.Case, _ verdict: Verdict, _ console: Console) {
    self.boot = boot
    self.console = console.lines.suffix(Self.lineCount)
    directory = verdict.directory.map { FilePath($0) }
    status = verdict.exitStatus
    seconds = verdict.seconds
    details = verdict.table()
    var words = [verdict.outcome.rawValue]
    if let command = verdict.command, command.status != 0 { words.append("command: \(command)") }
    if verdict.isHalfUnpacked { words.append("the image is half unpacked") }
    summary = words.joined(separator: ", ")
  }

  init(_ boot: BootMatrix.Case, _ error: FileError, seconds: Double) {
    self.boot = boot
    self.seconds = seconds
    status = nil
    summary = "\(error)"
    details = "\(error)"
  }

  var isExpected: Bool { status == boot.expectation.status }

  /// Whether it went as expected, as a word of the table.
  public var mark: String { isExpected ? "ok" : status == nil ? "ERROR" : "FAILED" }
}
