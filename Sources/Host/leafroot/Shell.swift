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

  @OptionGroup var options: BootOptions

  func validate() throws {
    guard Terminal.standardInput != nil else {
      throw ValidationError("shell requires a terminal on standard input.")
    }
  }

  func run() async throws {
    try await asVerb {
      var settings = options.machine.settings(["/bin/sh"])
      settings.terminal = .standardInput
      return try await options.boot(settings)
    }
  }
}
