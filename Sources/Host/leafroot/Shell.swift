// SPDX-License-Identifier: MIT

import ArgumentParser
import Machines

/// `leafroot shell`: boots images in QEMU, and gives their shell the terminal.
struct Shell: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Boot an initramfs in QEMU and start its shell on this terminal.",
    usage: "leafroot shell <image> ... --kernel <kernel> [<options>]",
    discussion: """
      shell boots as 'leafroot boot' does. After the check, the image's /bin/sh runs on this \
      terminal. Exit leaves it; Ctrl-] three times stops the machine.

      Exit status: that of the shell; 2 if it did not start or end; 64 usage error; 128 + N ended \
      by signal N.
      """)

  @OptionGroup var booted: BootedImages
  @OptionGroup(title: "Machine") var machine: MachineOptions
  @OptionGroup(title: "Result") var files: RunFiles

  func validate() throws {
    guard Terminal.standardInput != nil else {
      throw ValidationError("shell requires a terminal on standard input.")
    }
  }

  func run() async throws {
    let status = try await asVerb {
      try await SingleBoot(
        images: booted.open(), kernel: booted.kernel(for: machine.arch), options: machine,
        command: [], terminal: .standardInput, log: files.log, isKept: files.keep, isJSON: false
      ).run()
    }
    if status != 0 { throw ExitCode(status) }
  }
}
