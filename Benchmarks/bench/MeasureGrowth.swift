// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import FoundationEssentials
import SystemPackage

/// `bench growth`: how time and memory grow with the image.
struct MeasureGrowth: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "growth",
    abstract: "Measure how time and memory grow with the image's bytes, and with its files.",
    discussion: """
      It boots images of up to 2 GB and of up to 200,000 files in guests of up to 6 GiB, which \
      takes an hour or more.
      """)

  @Option(help: ArgumentHelp("Skip images of more megabytes.", valueName: "megabytes"))
  var most = 2000

  @Option(help: ArgumentHelp("Skip images of more files.", valueName: "n"))
  var mostFiles = 200_000

  @Flag(help: "Keep what an earlier run with the same kernel has written, and measure the rest.")
  var resume = false

  @OptionGroup var machines: ParallelMachines

  @Option(
    help: ArgumentHelp("Write the results to this file as JSON, and logs next to it."),
    transform: { FilePath($0) })
  var output: FilePath = "build/bench/growth.json"

  @Option(
    help: ArgumentHelp("Update the tables of growth in this document.", valueName: "file"),
    transform: { FilePath($0) })
  var document: FilePath?

  @Option(
    help: ArgumentHelp("Draw time over bytes as this picture.", valueName: "file.svg"),
    transform: { FilePath($0) })
  var picture: FilePath?

  func run() async throws {
    try await reporting {
      let bench = try await Bench(in: output.removingLastComponent())
      var growth = Growth(
        kernel: bench.kernelVersion, date: Date.now.formatted(.iso8601.year().month().day()))
      if resume { try growth.takeUp(output) }
      for image in Growth.counts where image.files <= mostFiles {
        try await measure(image, \.byFiles, of: &growth, bench)
      }
      for image in Growth.sizes where image.bytes <= most * 1_000_000 {
        try await measure(image, \.bySize, of: &growth, bench)
      }
      if let document { try Document(document).update("growth", with: growth.markdown) }
      if let picture { try growth.picture.write(to: picture) }
      try OutputFile.standardOutput.write(Array("\(growth.text)\n".utf8))
    }
  }

  /// Adds a step unless it exists, and writes all steps to the file.
  private func measure(
    _ image: GrowthImage, _ series: WritableKeyPath<Growth, [Growth.Step]>,
    of growth: inout Growth, _ bench: Bench
  ) async throws {
    let isKnown = growth[keyPath: series].contains {
      $0.files == image.files && $0.bytes == image.bytes
    }
    if isKnown { return }
    growth[keyPath: series].append(
      try await bench.grow(image, Growth.variants, jobs: machines.jobs))
    try writeJSON(growth, to: output)
  }
}

extension Growth {
  /// Takes the steps and their date from the file `path` if it was measured with the same kernel.
  fileprivate mutating func takeUp(_ path: FilePath) throws {
    let earlier = try JSONDecoder().decode(Growth.self, from: Data(InputFile(path).bytes()))
    guard earlier.kernel == kernel else {
      throw FileError(path, found: "Linux \(earlier.kernel)", expected: "Linux \(kernel)")
    }
    self = earlier
  }
}
