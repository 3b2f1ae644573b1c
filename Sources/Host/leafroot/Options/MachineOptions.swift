// SPDX-License-Identifier: MIT

import ArgumentParser
import Images
import Machines
import Packing

/// The machine that boots the images.
struct MachineOptions: ParsableArguments {
  @Option(
    help:
      "RAM in MiB, or with the suffix M or G. (default: 512M; least-memory tries up to 2G)")
  var memory: ByteSize?

  @Option(help: ArgumentHelp("Number of virtual processors.", valueName: "n"))
  var cpus = 1

  @Option(
    help: ArgumentHelp("Append parameters to the kernel command line.", valueName: "parameters"))
  var append: String?

  @Option(help: "Refuse a kernel that is not for this architecture.")
  var arch: Architecture?

  @Option(help: ArgumentHelp("Stop the machine after this time.", valueName: "seconds"))
  var timeout = 120.0

  @Flag(help: "Boot without LeafRoot, even if the image is wrapped.")
  var stock = false

  @Flag(help: "Count instructions as time: slower, but reproducible on a busy host.")
  var icount = false

  @OptionGroup var guest: GuestLibrary

  func validate() throws {
    guard cpus >= 1 else {
      throw ValidationError("--cpus \(cpus) is out of range; it must be at least 1.")
    }
    guard BootSettings.timeouts.contains(timeout) else {
      throw ValidationError(
        "--timeout \(timeout) is out of range; it must be from 0.1 to 1000000.")
    }
    guard !icount || cpus == 1 else {
      throw ValidationError("--icount requires --cpus 1.")
    }
  }

  /// The settings of a boot that runs `command` after the check.
  func settings(_ command: [String]) -> BootSettings {
    var settings = BootSettings()
    if let memory { settings.memory = memory }
    settings.cpus = cpus
    settings.append = append
    settings.isStock = stock
    settings.timeout = timeout
    settings.countsInstructions = icount
    settings.command = command
    return settings
  }

  /// Makes the initramfs in `directory` and the machine that boots it.
  func machine(
    _ images: [Image], _ kernel: Kernel, _ settings: BootSettings, in directory: RunDirectory
  ) throws -> Machine {
    try settings.machine(images, kernel, guest.program(for: kernel.architecture), in: directory)
  }
}
