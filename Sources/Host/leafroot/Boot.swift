// SPDX-License-Identifier: MIT

import ArgumentParser

/// `leafroot boot`: boots images in QEMU and reports whether their root is a leaf.
struct Boot: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Boot an initramfs in QEMU and check whether its root is a leaf.",
    usage: "leafroot boot <image> ... --kernel <kernel> [<options>] [-- <command> ...]",
    discussion: """
      The real init of this boot is LeafRoot's check, followed by COMMAND, if given. boot adds \
      both in a small archive before the first IMAGE. If the first IMAGE is wrapped, boot adds \
      the kernel parameters that request the leaf.

      boot concatenates several images, as a boot loader does. It uses KVM if a test guest runs \
      there. After a failed boot, it keeps the booted initramfs and the console log for a replay.

      Exit status: 0 as promised, and COMMAND exited with 0; 1 not as promised; 2 the boot did \
      not reach the check (panic, timeout, unreadable file, no QEMU); 3 as promised, but COMMAND \
      failed; 64 usage error; 128 + N ended by signal N.
      """)

  @OptionGroup var options: BootOptions

  @Flag(help: "Print the verdict as JSON.")
  var json = false

  @OptionGroup var command: GuestCommand

  func run() async throws {
    try await asVerb {
      try await options.boot(options.machine.settings(command.words), isJSON: json)
    }
  }
}
