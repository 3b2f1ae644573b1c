// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import Initramfs
import Machine
import Packing
import SystemPackage

/// `leafroot boot`: boots images in QEMU and reports whether their root is a leaf.
struct Boot: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "boot",
    abstract: "Boot an initramfs in QEMU and check whether its root is a leaf.",
    usage: "leafroot boot <image> ... --kernel <vmlinuz> [<options>] [-- <command> ...]",
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

  @Argument(
    help: "The images, in the order in which a boot loader loads them.", completion: .file(),
    transform: { FilePath($0) })
  var images: [FilePath]

  @Option(
    help: ArgumentHelp("The kernel image.", valueName: "vmlinuz"),
    completion: .file(),
    transform: { FilePath($0) })
  var kernel: FilePath

  @Option(help: "RAM in MiB, or with the suffix M or G.")
  var memory = MemorySize(mebibytes: 512)

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

  @Option(
    help: ArgumentHelp("Write the console log to this file, and keep it.", valueName: "file"),
    completion: .file(),
    transform: { FilePath($0) })
  var log: FilePath?

  @Flag(help: "Keep the booted initramfs and the log after success, too.")
  var keep = false

  @Flag(help: "Print the verdict as JSON.")
  var json = false

  @OptionGroup var guest: GuestLibrary

  @Option(
    name: .customLong(Boot.commandWord), help: .private, transform: { String($0.dropFirst()) })
  var command: [String] = []

  private static let commandWord = "command-word"

  /// Turns `boot IMAGE… -- WORD…` into `boot IMAGE… --command-word=:WORD…`.
  ///
  /// The argument parser does not accept a list after another list, not even after `--`. The colon
  /// protects empty words, which it takes for missing ones.
  static func namingCommand(in arguments: [String]) -> [String] {
    guard arguments.first == configuration.commandName,
      let terminator = arguments.firstIndex(of: "--")
    else { return arguments }
    return arguments[..<terminator]
      + arguments[(terminator + 1)...].map { "--\(commandWord)=:\($0)" }
  }

  func validate() throws {
    guard cpus >= 1 else {
      throw ValidationError("--cpus \(cpus) is out of range; it must be at least 1.")
    }
    guard timeout > 0 else {
      throw ValidationError("--timeout \(timeout) is out of range; it must be greater than 0.")
    }
    guard !icount || cpus == 1 else {
      throw ValidationError("--icount requires --cpus 1.")
    }
  }

  func run() async throws {
    let status = try await asVerb(failure: 2) {
      let kernel = try Kernel(kernel, for: arch)
      var boot = CheckedBoot(images, program: try guest.program(for: kernel.architecture))
      boot.command = command
      boot.isStock = stock
      boot.append = append.map { [$0] } ?? []

      let directory = try RunDirectory.temporary()
      let machine: Machine
      do {
        machine = try self.machine(boot, kernel, in: directory)
      } catch {
        directory.remove()
        throw error
      }
      let output = LiveOutput()
      let run = try await run(machine, in: directory, output)

      let verdict = Verdict(run)
      let isKept = keep || verdict.exitStatus != 0
      if isKept { directory.keep() } else { directory.remove() }
      let report = BootReport(
        verdict, directory: isKept ? directory.path.string : nil,
        log: isKept || log != nil ? run.log.string : nil, replay: isKept ? run.replay : nil,
        accelerator: run.accelerator.rawValue)
      try output.finish(json ? report.json() : report.table())
      return verdict.exitStatus
    }
    if status != 0 { throw ExitCode(status) }
  }

  private func machine(
    _ boot: CheckedBoot, _ kernel: Kernel, in directory: RunDirectory
  ) throws -> Machine {
    var machine = try boot.machine(kernel: kernel, in: directory)
    machine.memory = memory.mebibytes
    machine.cpus = cpus
    machine.countsInstructions = icount
    machine.timeout = .seconds(timeout)
    return machine
  }

  private func run(
    _ machine: Machine, in directory: RunDirectory, _ output: LiveOutput
  ) async throws -> Run {
    output.begin("booting \(kernel): memory \(memory), processors \(cpus)")
    defer { output.end() }
    do {
      return try await machine.run(
        log: log ?? directory.log,
        // One JSON object has it at the end.
        onOutput: { if !json { try output.print($0) } }, onProgress: { output.update($0) })
    } catch let error as FileError where !Task.isCancelled {
      output.end()
      directory.keep()
      standardError("leafroot: kept \(directory.path)\n")
      throw error
    } catch {
      directory.remove()
      throw error
    }
  }
}
