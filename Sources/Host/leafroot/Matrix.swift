// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import Machines
import SystemPackage
import Threads

/// `leafroot matrix`: runs many boots and prints a table of their results.
struct Matrix: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make the boots that a JSON file describes, and print a table.",
    usage: "leafroot matrix <file> [<options>] [-- <command> ...]",
    discussion: """
      Each object in the file names kernels, images, memory sizes and kernel parameters; matrix \
      boots every combination as 'leafroot boot' does. Options and COMMAND apply to objects that \
      do not set them. leafroot(1) describes the file.

      Exit status: 0 all boots as expected; 1 some not; 2 a boot could not be made; 64 usage \
      error; 128 + N ended by signal N.
      """)

  @Argument(
    help: "The file, in JSON or JSON5.", completion: .file(), transform: { FilePath($0) })
  var file: FilePath

  @OptionGroup(title: "Machine") var machine: MachineOptions

  @Option(
    help: ArgumentHelp("Write the results to this file, as JUnit XML.", valueName: "file"),
    completion: .file(), transform: { FilePath($0) })
  var junit: FilePath?

  @Option(
    help: ArgumentHelp(
      "How many machines run at a time. (default: one for each processor)", valueName: "n"))
  var jobs: Int?

  @OptionGroup var command: GuestCommand

  func validate() throws {
    if let jobs, !(1...256).contains(jobs) {
      throw ValidationError("--jobs is 1 to 256, not \(jobs).")
    }
  }

  func run() async throws { try await asVerb { try await boot() } }

  private func boot() async throws -> Int32 {
    let matrix = try BootMatrix(
      file, settings: machine.settings(command.words), architecture: machine.arch)
    // Fail now, not after an hour of boots.
    if let junit { _ = try OutputFile(junit) }

    let runner = MatrixRunner(
      matrix, in: file.removingLastComponent(),
      kernel: { try await KernelName(text: $0).kernel(for: $1) },
      program: { try machine.guest.program(for: $0) })
    let jobs = min(jobs ?? processorCount(), matrix.cases.count)
    let progress = MatrixProgress(count: matrix.cases.count, jobs: jobs)
    defer { progress.end() }
    let results = try await runner.run(
      jobs: jobs, onImage: { try $0.warnOfConsole() },
      onProgress: { progress.update($0, of: $1) }, onResult: { progress.note($0) })
    progress.end()

    let report = MatrixReport(file, results)
    if let junit { try OutputFile.write(Array(report.junit().utf8), to: junit) }
    try Output.print(report.table())
    return report.status
  }
}
