// SPDX-License-Identifier: MIT

import ArgumentParser
import Machines

/// `leafroot least-memory`: finds the least memory with which images boot as promised.
struct LeastMemory: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Find the least memory with which an initramfs boots as promised.",
    usage: "leafroot least-memory <image> ... --kernel <kernel> [<options>] [-- <command> ...]",
    discussion: """
      least-memory boots as 'leafroot boot' does, with different memory sizes up to --memory. \
      A boot counts if it is as promised, the image is complete, and COMMAND, if given, exits \
      with 0. With --stock, the boot only needs to reach the check.

      Exit status: 0 found; 1 not as promised even with the most memory; 2 the boot did not reach \
      the check; 3 as promised, but COMMAND failed; 64 usage error; 128 + N ended by signal N.
      """)

  @OptionGroup var booted: BootedImages
  @OptionGroup(title: "Machine") var machine: MachineOptions

  @Option(help: ArgumentHelp("Try multiples of this size.", valueName: "size"))
  var resolution = ByteSize(mebibytes: 4)

  @Flag(help: "Print the result as JSON.")
  var json = false

  @OptionGroup var command: GuestCommand

  func run() async throws {
    let status = try await asVerb {
      try await LeastMemoryBoot(
        images: booted.open(), kernel: booted.kernel(for: machine.arch), options: machine,
        command: command.words, resolution: resolution.mebibytes, isJSON: json
      ).run()
    }
    if status != 0 { throw ExitCode(status) }
  }
}
