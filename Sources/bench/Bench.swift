// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import Glibc
import Initramfs
import Machine
import SystemPackage

/// Measures the cost of a leaf, and of the usual alternatives.
@main
struct Bench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure the cost of a leaf: time, memory, size.",
    discussion: """
      Run it with `make bench` in the repository's directory. Benchmarks/README.md describes the \
      measurements.
      """,
    subcommands: [DrawPictures.self, FindLeastMemory.self])

  @Flag(help: "Measure only times that are reproducible on a busy host.")
  var quick = false

  @Option(
    help: ArgumentHelp("Measure only this variant and stock; may be repeated.", valueName: "name"))
  var only: [Variant] = []

  @Option(
    help: ArgumentHelp("Number of parallel machines where guest time counts.", valueName: "n"))
  var jobs = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

  @Option(help: ArgumentHelp("Number of boots for each number of processors.", valueName: "n"))
  var rounds = 7

  @Option(
    help: ArgumentHelp("Write the results to this file as JSON, and images and logs next to it."),
    transform: { FilePath($0) })
  var output: FilePath = "build/bench/results.json"

  @Option(
    help: ArgumentHelp("Update the table of costs in this document.", valueName: "file"),
    transform: { FilePath($0) })
  var document: FilePath?

  func validate() throws {
    guard jobs >= 1 else {
      throw ValidationError("--jobs \(jobs) is out of range; it must be at least 1.")
    }
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
    let variants = Variant.allCases.filter { only.isEmpty || $0 == .stock || only.contains($0) }
    let bench = try await Workbench(in: output.removingLastComponent())

    var results = try await Results(bench)
    results.times = try await bench.times(variants, jobs: jobs)
    if variants.contains(.wrap) { results.small = try await bench.smallTimes(jobs: jobs) }
    if !quick {
      if variants.contains(.wrap) {
        results.processors = try await bench.processors(rounds: rounds)
      }
      results.memory = try await bench.leastMemory(variants, jobs: jobs)
    }
    results.seconds = (clock.now - start) / .seconds(1)

    try results.write(to: output)
    if let document { try results.update(document: document) }
    print(results.table())
    say("\(output), logs next to it")
  }
}

/// Runs the body of a command: a signal ends it, and an error is said.
func reporting(_ body: @escaping @Sendable () async throws -> Void) async throws {
  do {
    try await interruptible(body)
  } catch let error as FileError {
    say("\(error)")
    throw ExitCode.failure
  } catch let error as Interrupted {
    throw ExitCode(error.status)
  }
}

/// Says on standard error how far we are.
func say(_ text: String) {
  _ = try? FileDescriptor.standardError.writeAll("bench: \(text)\n".utf8)
}
