// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import Images
import Machines
import Packing
import SystemPackage
import Threads

/// `leafroot boot`: boots images in QEMU and reports whether their root is a leaf.
struct Boot: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "boot",
    abstract: "Boot an initramfs in QEMU and check whether its root is a leaf.",
    usage: """
      leafroot boot <image> ... --kernel <kernel> [<options>] [-- <command> ...]
      leafroot boot <image> ... --kernel <kernel> --shell [<options>]
      leafroot boot --matrix <file> [--junit <file>] [--jobs <n>] [<options>] [-- <command> ...]
      """,
    discussion: """
      The real init of this boot is LeafRoot's check, followed by COMMAND, if given. boot adds \
      both in a small archive before the first IMAGE. If the first IMAGE is wrapped, boot adds \
      the kernel parameters that request the leaf.

      boot concatenates several images, as a boot loader does. It uses KVM if a test guest runs \
      there. After a failed boot, it keeps the booted initramfs and the console log for a replay.

      With --shell, the image's /bin/sh runs after the check, on this terminal. Its exit status is \
      that of leafroot; 2 if it did not end or start.

      With --matrix, boot makes all boots of a JSON file, and prints a table.

      Exit status: 0 as promised, and COMMAND exited with 0; 1 not as promised; 2 the boot did \
      not reach the check (panic, timeout, unreadable file, no QEMU); 3 as promised, but COMMAND \
      failed; 64 usage error; 128 + N ended by signal N. With --matrix: 0 all boots as expected; \
      1 some not; 2 one could not be made.
      """)

  @Argument(
    help: "The images, in the order in which a boot loader loads them.", completion: .file(),
    transform: { FilePath($0) })
  var images: [FilePath] = []

  @Option(
    help: ArgumentHelp(
      "The kernel: a file, or debian:SERIES, one of Debian's, which apt-get fetches.",
      valueName: "kernel"), completion: .file())
  var kernel: String?

  @OptionGroup var machine: MachineOptions

  @OptionGroup var matrix: MatrixOptions

  @Flag(help: "Start a shell in the booted image, on this terminal.")
  var shell = false

  @Flag(help: "Search for the least memory with which the boot is as promised.")
  var leastMemory = false

  @Option(
    help: ArgumentHelp(
      "Try multiples of this size. (default: 4M)", valueName: "size"))
  var resolution: MemorySize?

  @Option(
    help: ArgumentHelp("Write the console log to this file, and keep it.", valueName: "file"),
    completion: .file(),
    transform: { FilePath($0) })
  var log: FilePath?

  @Flag(help: "Keep the booted initramfs and the log after success, too.")
  var keep = false

  @Flag(help: "Print the verdict as JSON.")
  var json = false

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
    if matrix.file != nil {
      guard images.isEmpty, kernel == nil, log == nil, !leastMemory, !keep, !json else {
        throw ValidationError(
          "--matrix cannot be combined with images, --kernel, --least-memory, --log, --keep or "
            + "--json.")
      }
    } else if images.isEmpty {
      throw ValidationError("Missing expected argument '<image> ...'")
    } else if kernel == nil {
      throw ValidationError("Missing expected argument '--kernel <kernel>'")
    }
    if shell {
      guard command.isEmpty, matrix.file == nil, !leastMemory, !json else {
        throw ValidationError(
          "--shell cannot be combined with a command, --matrix, --least-memory or --json.")
      }
      guard Terminal.standardInput != nil else {
        throw ValidationError("--shell requires a terminal on standard input.")
      }
    }
    guard resolution == nil || leastMemory else {
      throw ValidationError("--resolution requires --least-memory.")
    }
    guard !leastMemory || log == nil && !keep else {
      throw ValidationError("--least-memory cannot be combined with --log or --keep.")
    }
  }

  func run() async throws {
    let status = try await asVerb {
      if let file = matrix.file {
        return try await MatrixBoot(
          file: file, options: machine, command: command, junit: matrix.junit,
          jobs: matrix.jobs ?? processorCount()
        ).run()
      }
      let images = try images.map { try Image(path: $0) }
      let kernel = try await KernelName(text: kernel ?? "").kernel(for: machine.arch)
      return leastMemory
        ? try await LeastMemoryBoot(
          images: images, kernel: kernel, options: machine, command: command,
          resolution: resolution?.mebibytes ?? 4, isJSON: json
        ).run()
        : try await SingleBoot(
          images: images, kernel: kernel, options: machine, command: command,
          terminal: shell ? .standardInput : nil, log: log,
          isKept: keep, isJSON: json
        ).run()
    }
    if status != 0 { throw ExitCode(status) }
  }
}
