// SPDX-License-Identifier: MIT

import Files
import SystemPackage

/// The result of one boot of a matrix.
public struct MatrixResult: Sendable {
  /// The boot.
  public let boot: BootMatrix.Case
  /// The verdict in full, or the error.
  let details: String
  /// The result in a few words.
  public let summary: String
  /// nil if the boot could not be run.
  let status: Int32?
  let seconds: Double
  /// The last lines of the console.
  private(set) var console: [String] = []
  /// The kept directory, if any.
  private(set) var directory: FilePath?

  /// The number of console lines to keep in memory and to report.
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

  /// The word in the table for whether the result is as expected.
  public var mark: String { isExpected ? "ok" : status == nil ? "ERROR" : "FAILED" }
}
