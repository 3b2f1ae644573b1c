// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import Images
import Initramfs
import Machines
import Packing
import SystemPackage

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

  /// In seconds. Swift's clocks end the program at times that they cannot add.
  static let timeouts = 0.1...1_000_000

  func validate() throws {
    guard cpus >= 1 else {
      throw ValidationError("--cpus \(cpus) is out of range; it must be at least 1.")
    }
    guard Self.timeouts.contains(timeout) else {
      throw ValidationError(
        "--timeout \(timeout) is out of range; it must be from 0.1 to 1000000.")
    }
    guard !icount || cpus == 1 else {
      throw ValidationError("--icount requires --cpus 1.")
    }
  }

  /// Warns of what the user should know of the images before the boot.
  static func warn(of images: [Image]) throws {
    for image in images {
      var console = ConsoleFile()
      _ = try ImageReader(ImageSequence(image.tree)).finish(noting: &console)
      if console.isFile { standardError("leafroot: warning: \(image.name): \(ConsoleFile.text)\n") }
    }
  }

  /// Makes the initramfs in `directory` and the machine that boots it.
  /// - Parameter terminal: that the command has; nil for none.
  func machine(
    _ images: [Image], _ command: [String], _ kernel: Kernel, _ memory: ByteSize,
    in directory: RunDirectory, on terminal: Terminal? = nil
  ) throws -> Machine {
    var boot = CheckedBoot(images, program: try guest.program(for: kernel.architecture))
    boot.command = command
    boot.terminal = terminal
    boot.isStock = stock
    boot.append = append.map { [$0] } ?? []

    var machine = try boot.machine(kernel: kernel, in: directory)
    machine.memory = memory.mebibytes
    machine.cpus = cpus
    machine.countsInstructions = icount
    machine.timeout = .seconds(timeout)
    return machine
  }
}
