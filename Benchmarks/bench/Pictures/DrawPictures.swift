// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import FoundationEssentials
import Machines
import SystemPackage

/// `bench pictures`: draws the pictures of README and the guides from the measurements.
struct DrawPictures: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pictures",
    abstract: "Draw the pictures of the documents, and sample the memory of boots for one of them.")

  @Option(
    help: ArgumentHelp("The results of `make bench`.", valueName: "file"),
    transform: { FilePath($0) })
  var results: FilePath = "build/bench/results.json"

  @Argument(
    help: ArgumentHelp("Where the pictures go.", valueName: "directory"),
    transform: { FilePath($0) })
  var directory: FilePath

  func run() async throws {
    try await reporting {
      let measured = try Measured(results)
      let runs = try RunDirectory.temporary()
      defer { runs.remove() }
      let bench = try await Bench(in: results.removingLastComponent())
      let curves = try await bench.memoryCurves(
        [.stock, .cp, .wrap, .pack, .squash], try await ReferenceImages(bench), in: runs)

      try FileManager.default.createDirectory(
        atPath: directory.string, withIntermediateDirectories: true)
      let tree = "205 MB of files, Linux \(measured.kernel), one processor"
      try write(
        LineChart(
          title: "Memory over boot time", conditions: "\(tree), 1 GiB, until the real init",
          horizontal: LineChart.Axis(unit: "s", step: 1),
          vertical: LineChart.Axis(unit: "MiB", step: 100), lines: curves.map(\.line)
        ).picture, "memory-over-time")
      try write(
        BarChart(
          title: "Least memory that boots", conditions: "\(tree), the kernel's default limits",
          bars: measured.memory.compactMap { memory in
            guard memory.options == nil, !memory.variant.hasOwnKernel,
              let value = memory.mebibytes
            else { return nil }
            return .init(variant: memory.variant, value: Double(value), label: "\(value) MiB")
          }
        ).picture, "least-memory")
      try write(
        BarChart(
          title: "Time to the real init",
          conditions: "\(tree), 1 GiB, a nanosecond for each instruction",
          bars: measured.times.compactMap { time in
            guard !time.variant.hasOwnKernel, let uptime = time.uptime else { return nil }
            return .init(variant: time.variant, value: uptime, label: "\(fixed(uptime, 2)) s")
          }
        ).picture, "time")
    }
  }

  private func write(_ picture: SVG, _ name: String) throws {
    try picture.write(to: directory.appending("\(name).svg"))
  }
}

/// The part of the results that the pictures need.
private struct Measured: Decodable {
  struct Time: Decodable {
    var variant: Variant
    var uptime: Double?
  }

  struct Memory: Decodable {
    var variant: Variant
    var options: String?
    var mebibytes: Int?
  }

  var kernel: String
  var times: [Time]
  var memory: [Memory]

  init(_ path: FilePath) throws {
    self = try JSONDecoder().decode(Measured.self, from: Data(InputFile(path).bytes()))
  }
}
