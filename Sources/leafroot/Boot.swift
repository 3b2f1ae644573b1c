// SPDX-License-Identifier: MIT

import ArgumentParser
import Initramfs
import Machine
import SystemPackage

/// `leafroot boot`: boots images in QEMU and tells what their root is.
struct Boot: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "boot",
    abstract: "Boot an initramfs in QEMU and check what kind of root it gets.",
    usage: "leafroot boot <image> ... --kernel <vmlinuz> [<options>] [-- <command> ...]",
    discussion: """
      The real init of this boot is LeafRoot's check, and after it COMMAND if one is given; both \
      come in a small archive before the first IMAGE. A wrapped image is booted with the words \
      that ask for the leaf, any other as it is.

      Several images are handed to the kernel as one, as a boot loader does. QEMU uses KVM only \
      where that really runs a guest. What was booted, the console's log and the QEMU command \
      stay for a replay.

      Exit status: 0 as promised (and COMMAND exited 0), 1 not as promised, 2 the boot did not \
      reach the check (panic, timeout, unreadable files, no QEMU), 3 as promised but COMMAND \
      exited otherwise, 64 wrong usage.
      """)

  @Argument(
    help: "The images, in the order of the boot loader.", completion: .file(),
    transform: { FilePath($0) })
  var images: [FilePath]

  @Option(
    help: ArgumentHelp("The kernel, as the boot loader gets it.", valueName: "vmlinuz"),
    completion: .file(),
    transform: { FilePath($0) })
  var kernel: FilePath

  @Option(help: "RAM in MiB, or a number with M or G behind it.")
  var memory = MemorySize(mebibytes: 512)

  @Option(help: ArgumentHelp("Virtual processors.", valueName: "n"))
  var cpus = 1

  @Option(help: ArgumentHelp("Words for the kernel, behind ours.", valueName: "words"))
  var append: String?

  @Option(help: "What the kernel must run on. (default: what it runs on)")
  var arch: Architecture?

  @Option(help: ArgumentHelp("How long the machine may run.", valueName: "seconds"))
  var timeout = 120.0

  @Flag(help: "Boot as the kernel does without us, even if the image is wrapped.")
  var stock = false

  @Flag(help: "Count instructions as time: slower, but guest times repeat on a busy host.")
  var icount = false

  @Option(
    help: ArgumentHelp("Keep the console's log here. (default: in a new directory)"),
    completion: .file(),
    transform: { FilePath($0) })
  var log: FilePath?

  @Flag(help: "Print the verdict as JSON.")
  var json = false

  @OptionGroup var guest: GuestLibrary

  @Option(
    name: .customLong(Boot.commandWord), help: .private, transform: { String($0.dropFirst()) })
  var command: [String] = []

  private static let commandWord = "command-word"

  /// Turns `boot IMAGE… -- WORD…` into `boot IMAGE… --command-word=:WORD…`.
  ///
  /// The argument parser knows no list behind another list, not even behind `--`. The colon is
  /// for empty words, which it takes for missing ones.
  static func namingCommand(in arguments: [String]) -> [String] {
    guard arguments.first == configuration.commandName,
      let terminator = arguments.firstIndex(of: "--")
    else { return arguments }
    return arguments[..<terminator]
      + arguments[(terminator + 1)...].map { "--\(commandWord)=:\($0)" }
  }

  func validate() throws {
    guard cpus >= 1 else { throw ValidationError("--cpus is \(cpus), expected 1 or more.") }
    guard timeout > 0 else {
      throw ValidationError("--timeout is \(timeout), expected more than 0 seconds.")
    }
    guard !icount || cpus == 1 else {
      throw ValidationError("--icount counts the instructions of one processor; --cpus is \(cpus).")
    }
  }

  func run() async throws {
    let status = try await interruptible(failure: 2) {
      let kernel = try Kernel(kernel, for: arch)
      var boot = CheckedBoot(images, program: try guest.program(for: kernel.architecture))
      boot.command = command
      boot.isStock = stock
      boot.append = append.map { [$0] } ?? []

      let directory = try RunDirectory.temporary()
      var machine = try boot.machine(kernel: kernel, in: directory)
      machine.memory = memory.mebibytes
      machine.cpus = cpus
      machine.countsInstructions = icount
      machine.timeout = .seconds(timeout)

      let progress = ProgressLine()
      progress.begin("booting \(kernel.path) with \(memory), \(cpus) cpu")
      defer { progress.end() }
      let run = try await machine.run(log: log ?? directory.log) { progress.update($0) }
      progress.end()

      let report = BootReport(run)
      print(json ? try report.json() : report.table())
      return report.verdict.exitStatus
    }
    if status != 0 { throw ExitCode(status) }
  }
}
