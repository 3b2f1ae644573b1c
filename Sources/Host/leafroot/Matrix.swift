// SPDX-License-Identifier: MIT

import ArgumentParser
import SystemPackage
import Threads

/// `leafroot matrix`: makes many boots, and prints a table of their results.
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

  func run() async throws {
    let status = try await asVerb {
      try await MatrixBoot(
        file: file, options: machine, command: command.words, junit: junit,
        jobs: jobs ?? processorCount()
      ).run()
    }
    if status != 0 { throw ExitCode(status) }
  }
}
