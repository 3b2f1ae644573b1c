// SPDX-License-Identifier: MIT

import Files
import Machines
import SystemPackage

/// How one boot of a matrix went.
struct MatrixResult: Sendable {
  let boot: BootMatrix.Case
  /// The verdict as a single boot shows it, or the error.
  let details: String
  /// In a few words.
  let summary: String
  /// nil if the boot could not be made.
  let status: Int32?
  let seconds: Double
  /// The last lines of the console.
  private(set) var console: [String] = []
  /// What was kept.
  private(set) var directory: FilePath?

  /// How much of a console is kept in memory and written.
  private static let lineCount = 200

  init(_ boot: BootMatrix.Case, _ verdict: Verdict, _ run: Run, directory: FilePath?) {
    self.boot = boot
    self.directory = directory
    status = verdict.exitStatus
    seconds = verdict.seconds
    console = run.console.lines.suffix(Self.lineCount)
    details = BootReport(
      verdict, directory: directory?.string, log: directory == nil ? nil : run.log.string,
      replay: directory == nil ? nil : run.replay, accelerator: run.accelerator.rawValue
    ).table()
    let command = verdict.command.map { $0.status.map { "exit \($0)" } ?? "did not exit" }
    summary =
      verdict.outcome.rawValue
      + (command.map { $0 == "exit 0" ? "" : ", command: \($0)" } ?? "")
      + (verdict.isHalfUnpacked ? ", the image is half unpacked" : "")
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
  var mark: String { isExpected ? "ok" : status == nil ? "ERROR" : "FAILED" }
}

/// The results of a matrix: for people, and as JUnit's XML for CI (JUnitReport.swift).
struct MatrixReport {
  let file: FilePath
  let results: [MatrixResult]

  var errors: Int { results.count { $0.status == nil } }
  var failures: Int { results.count { $0.status != nil && !$0.isExpected } }

  /// 0 if all went as expected, 2 if a boot could not be made, otherwise 1.
  var status: Int32 { errors > 0 ? 2 : failures > 0 ? 1 : 0 }

  /// A row for each boot, then what was kept, then the sum.
  func table() -> String {
    var rows = [["kernel", "images", "memory", "parameters", "result", "expected", "time"]]
    for result in results {
      let boot = result.boot
      rows.append([
        boot.kernelName, boot.imageNames, "\(boot.memory)", boot.words,
        "\(result.mark): \(result.summary)", boot.expectation.rawValue,
        "\(hundredths(result.seconds)) s",
      ])
    }
    // Only the newest directories are still there.
    let kept = results.compactMap(\.directory).filter { (try? $0.stat()) != nil }
    let sum = "\(results.count) boots: \(failures) unexpected, \(errors) errors"
    return ([columns(rows), ""] + kept.map { "kept \($0)" } + [sum]).joined(separator: "\n")
  }
}
