// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import SystemPackage

/// `bench trial`: the part of `bench` that measures neither time nor memory.
struct TryForms: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trial",
    abstract: "Compare what each way to a leaf loses, leaves behind, and lets through.",
    discussion: "One image of odd files boots in each way; `bench` itself does this, too.")

  @Option(help: ArgumentHelp("Try only this variant; may be repeated.", valueName: "name"))
  var only: [Variant] = []

  @OptionGroup var machines: ParallelMachines

  @Option(
    help: ArgumentHelp("Write images and logs to this directory.", valueName: "directory"),
    transform: { FilePath($0) })
  var output: FilePath = "build/bench"

  @Option(
    help: ArgumentHelp("Update the table in this document.", valueName: "file"),
    transform: { FilePath($0) })
  var document: FilePath?

  func run() async throws {
    try await reporting {
      let bench = try await Bench(in: output)
      let trials = try await bench.trials(bench.variants(only), jobs: machines.jobs)
      if let document { try Document(document).update("trial", with: trials.markdown) }
      try OutputFile.standardOutput.write(Array("\(trials.table)\n".utf8))
    }
  }
}
