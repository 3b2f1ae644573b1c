// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import Machines
import SystemPackage

/// Measures what a leaf costs and gains, beside the usual alternatives.
@main
struct BenchTool: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Compare the ways to a leaf: time, memory, size, and what is lost.",
    discussion: """
      Run it with `make bench` in the repository's directory. Benchmarks/README.md describes the \
      measurements.
      """,
    subcommands: [Measure.self, TryForms.self, MeasureGrowth.self, DrawPictures.self],
    defaultSubcommand: Measure.self)
}

/// Runs the body of a command; signals end it, and errors are reported.
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

/// Reports progress on standard error.
func say(_ text: String) {
  _ = try? FileDescriptor.standardError.writeAll("bench: \(text)\n".utf8)
}
