// SPDX-License-Identifier: MIT

import Files
public import SystemPackage

/// The results of a matrix, as a table and as JUnit's XML for CI (JUnitReport.swift).
public struct MatrixReport: Sendable {
  let file: FilePath
  let results: [MatrixResult]

  /// Creates the report on the matrix in `file`.
  public init(_ file: FilePath, _ results: [MatrixResult]) {
    self.file = file
    self.results = results
  }

  var errors: Int { results.count { $0.status == nil } }
  var failures: Int { results.count { $0.status != nil && !$0.isExpected } }

  /// 0 if all results are as expected, 2 if a boot could not be run, otherwise 1.
  public var status: Int32 { errors > 0 ? 2 : failures > 0 ? 1 : 0 }

  /// Returns one row per boot, then the kept directories, then the totals.
  public func table() -> String {
    var rows = [["kernel", "images", "memory", "parameters", "result", "expected", "time"]]
    for result in results {
      let boot = result.boot
      rows.append([
        boot.kernelName, boot.imageNames, "\(boot.settings.memory)", boot.parameters,
        "\(result.mark): \(result.summary)", boot.expectation.rawValue,
        "\(hundredths(result.seconds)) s",
      ])
    }
    // Only the newest kept directories still exist.
    let kept = results.compactMap(\.directory).filter { (try? $0.stat()) != nil }
    let sum = "\(results.count) boots: \(failures) unexpected, \(errors) errors"
    return ([columns(rows), ""] + kept.map { "kept \($0)" } + [sum]).joined(separator: "\n")
  }
}
