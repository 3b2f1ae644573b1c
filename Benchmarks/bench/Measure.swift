// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import SystemPackage

/// `bench measure`, and `bench` alone: all that `make bench` compares.
struct Measure: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "measure",
    abstract: "Measure time, least memory and size, and try what each way to a leaf loses.")

  @Flag(help: "Measure only times that are reproducible on a busy host.")
  var quick = false

  @Option(
    help: ArgumentHelp("Measure only this variant and stock; may be repeated.", valueName: "name"))
  var only: [Variant] = []

  @OptionGroup var machines: ParallelMachines

  @Option(help: ArgumentHelp("Number of boots for each number of processors.", valueName: "n"))
  var rounds = 7

  @Option(
    help: ArgumentHelp("Write the results to this file as JSON, and images and logs next to it."),
    transform: { FilePath($0) })
  var output: FilePath = "build/bench/results.json"

  @Option(
    help: ArgumentHelp("Update the tables in this document.", valueName: "file"),
    transform: { FilePath($0) })
  var document: FilePath?

  func validate() throws {
    guard rounds >= 1 else {
      throw ValidationError("--rounds \(rounds) is out of range; it must be at least 1.")
    }
  }

  func run() async throws {
    try await reporting { try await measure() }
  }

  private func measure() async throws {
    let clock = ContinuousClock()
    let start = clock.now
    let bench = try await Bench(in: output.removingLastComponent())
    let variants = bench.variants(only)
    let images = try await ReferenceImages(bench)
    let (image, small) = (images.image, images.small)

    var results = try await Results(bench, images)
    results.trials = try await bench.trials(variants, jobs: machines.jobs)
    results.times = try await bench.times(variants, image, jobs: machines.jobs)
    if variants.contains(.wrap) {
      results.small = try await bench.smallTimes(small, jobs: machines.jobs)
    }
    if !quick {
      if variants.contains(.wrap) {
        results.processors = try await bench.processors(image, rounds: rounds)
      }
      results.memory = try await bench.leastMemory(variants, image, jobs: machines.jobs)
    }
    results.seconds = (clock.now - start) / .seconds(1)

    try writeJSON(results, to: output)
    if let document {
      try Document(document).update("bench", with: results.markdown)
      try Document(document).update("trial", with: results.trials.markdown)
    }
    try OutputFile.standardOutput.write(Array("\(results.table())\n".utf8))
    say("\(output), logs next to it")
  }
}
