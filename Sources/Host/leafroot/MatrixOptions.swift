// SPDX-License-Identifier: MIT

import ArgumentParser
import SystemPackage

/// The options of many boots.
struct MatrixOptions: ParsableArguments {
  @Option(
    name: .customLong("matrix"),
    help: ArgumentHelp("Make the boots that this JSON file describes.", valueName: "file"),
    completion: .file(), transform: { FilePath($0) })
  var file: FilePath?

  @Option(
    help: ArgumentHelp("Write the results to this file, as JUnit XML.", valueName: "file"),
    completion: .file(), transform: { FilePath($0) })
  var junit: FilePath?

  @Option(
    help: ArgumentHelp(
      "How many machines run at a time. (default: one for each processor)", valueName: "n"))
  var jobs: Int?

  func validate() throws {
    guard file != nil || junit == nil && jobs == nil else {
      throw ValidationError("--junit and --jobs require --matrix.")
    }
    if let jobs, !(1...256).contains(jobs) {
      throw ValidationError("--jobs is 1 to 256, not \(jobs).")
    }
  }
}
