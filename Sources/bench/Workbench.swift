// SPDX-License-Identifier: MIT

import Encoding
import Files
import FoundationEssentials
import Glibc
import Importing
import Initramfs
import Inspection
import Machine
import Packing
import Subprocess
import SystemPackage
import Threads

/// An image to measure with, as the script built it and in our forms.
struct Yardstick: Sendable {
  let name: String
  let figures: Figures
  /// The image.
  let plain: FilePath
  private let directory: FilePath

  /// The image `name` of the script's directory, whose forms are in `directory`.
  init(_ name: String, from script: FilePath, in directory: FilePath) throws(FileError) {
    self.name = name
    figures = try Figures(script.appending("\(name).figures"))
    plain = script.appending("\(name).zst")
    self.directory = directory
  }

  /// The image that a variant boots.
  func path(for variant: Variant) -> FilePath {
    variant.hasOwnImage ? directory.appending("\(name).\(variant.rawValue)") : plain
  }

  /// Makes the forms, and the one by hand.
  func make(_ program: GuestInit, _ unpacker: GuestInit) async throws {
    let nested = path(for: .nested)
    try? FileManager.default.removeItem(atPath: nested.string)
    try FileManager.default.createSymbolicLink(
      atPath: nested.string,
      withDestinationPath: try await made(by: "Benchmarks/nested", [plain.string]).string)
    try ImageFile(plain).wrap(with: .leaf(program), into: path(for: .wrap))
    for (variant, encoding) in [
      (Variant.pack, Encoding.zstd(level: 10)), (.packLZ4, .lz4(level: 9)),
    ] {
      let packer = Packer(encoding, jobs: processorCount(), memberSize: 16 << 20)
      _ = try packer.write(try ImageTree(plain), unpacker, into: path(for: variant))
    }
    let inspection = try Inspection(ImageSequence(try InputFile(plain)))
    _ = try Nester().write(plain, inspection.totals, unpacker, into: path(for: .nest))
  }
}

/// All that is booted, built once.
struct Workbench: Sendable {
  let kernel: Kernel
  /// What `uname -r` says there.
  let kernelVersion: String
  /// What the image is made of, one NAME VERSION a line.
  let packages: String
  let image: Yardstick
  let small: Yardstick
  /// Bytes of the image, and of the packed one.
  let imageSizes: [Variant: Int64]
  /// Bytes of the built leafroot-init, and leafroot-unpack.
  let programSizes: [Architecture: Int]
  let unpackerSizes: [Architecture: Int]

  let program: GuestInit
  private let directory: FilePath

  /// Builds what is missing and puts the initramfs files into `directory`.
  init(in directory: FilePath) async throws {
    let yardstick = try await made(by: "Benchmarks/yardstick")
    let comparators = try await made(by: "Benchmarks/comparators")
    let cache = yardstick.removingLastComponent().removingLastComponent()
    let kernelDirectory = cache.appending("kernels/6.12-x86_64")
    kernel = try Kernel(kernelDirectory.appending("vmlinuz"), for: .x86)
    kernelVersion = try line(of: kernelDirectory.appending("version"))
    packages = try text(of: yardstick.appending("packages"))

    program = try GuestInit(builtInit(for: .x86), for: .x86)
    programSizes = try builtSizes { builtInit(for: $0) }
    unpackerSizes = try builtSizes { built("leafroot-unpack", for: $0) }

    try FileManager.default.createDirectory(
      atPath: directory.string, withIntermediateDirectories: true)
    self.directory = directory
    image = try Yardstick("image", from: yardstick, in: directory)
    small = try Yardstick("small", from: yardstick, in: directory)

    let unpacker = try GuestInit(built("leafroot-unpack", for: .x86), for: .x86)
    for yardstick in [image, small] { try await yardstick.make(program, unpacker) }
    imageSizes = [
      .stock: try InputFile(image.plain).size, .pack: try InputFile(image.path(for: .pack)).size,
    ]

    for yardstick in [image, small] {
      // All variants have the comparators in their tree, so that all have the same tree.
      for variant in Variant.allCases where variant == .stock || variant.hasOwnImage {
        try Initrd.write(
          checkedBoot(variant, yardstick).segment(),
          [yardstick.path(for: variant), comparators.appending("segment.cpio")],
          into: initrd(variant, yardstick))
      }
    }
  }

  private func checkedBoot(_ variant: Variant, _ yardstick: Yardstick) -> CheckedBoot {
    var boot = CheckedBoot([yardstick.path(for: variant)], program: program)
    boot.command = ["/.bench/whole", "\(yardstick.figures.files)", "\(yardstick.figures.named)"]
    return boot
  }

  private func initrd(_ variant: Variant, _ yardstick: Yardstick) -> FilePath {
    directory.appending(
      "\(yardstick.name)-\(variant.hasOwnImage ? variant.rawValue : "plain").initrd")
  }

  /// A machine of 1 GiB and one processor that boots `yardstick` in the way of `variant`.
  func machine(
    _ variant: Variant, _ yardstick: Yardstick, options: String? = nil
  ) throws -> Machine {
    var boot = checkedBoot(variant, yardstick)
    boot.append = variant.words(options: options)
    var machine = Machine(
      kernel: kernel, initrd: initrd(variant, yardstick), words: try boot.words())
    machine.memory = 1024
    machine.timeout = .seconds(600)
    return machine
  }

  /// Boots `machine` in emulation; its log is `name`.log beside the initramfs files.
  func boot(_ machine: Machine, _ variant: Variant, name: String) async throws -> Boot {
    let run = try await machine.run(log: directory.appending("\(name).log"), accelerator: .tcg)
    return Boot(run, variant)
  }
}

/// Where `make build` leaves leafroot-init.
func builtInit(for architecture: Architecture) -> FilePath {
  built("leafroot-init", for: architecture)
}

private func built(_ program: String, for architecture: Architecture) -> FilePath {
  let library = getenv("LEAFROOT_LIB").map { FilePath(platformString: $0) } ?? "build/lib/leafroot"
  return library.appending("\(program).\(architecture)")
}

/// Bytes of a program that was built for these.
private func builtSizes(_ path: (Architecture) -> FilePath) throws -> [Architecture: Int] {
  var sizes: [Architecture: Int] = [:]
  for architecture in Architecture.allCases {
    let path = path(architecture)
    guard access(path.string, F_OK) == 0 else { continue }
    sizes[architecture] = try GuestInit(path, for: architecture).bytes.count
  }
  return sizes
}

/// Runs a script that makes something, unless it is there, and prints its path.
private func made(by script: FilePath, _ arguments: [String] = []) async throws -> FilePath {
  let result = try await Subprocess.run(
    .path(script), arguments: Arguments(arguments), input: .none, output: .string(limit: 4096),
    error: .currentStandardError)
  guard result.terminationStatus.isSuccess else {
    throw FileError(script, found: "\(result.terminationStatus)", expected: "its success")
  }
  return FilePath(result.standardOutput.filter { !$0.isNewline })
}

/// The content of the file at `path`, which is small.
func text(of path: FilePath) throws(FileError) -> String {
  // Files of /proc are longer than their size says.
  String(decoding: try InputFile(path).bytes(at: 0, count: 1 << 16), as: UTF8.self)
}

/// The first line of the file at `path`.
func line(of path: FilePath) throws(FileError) -> String {
  String(try text(of: path).prefix { !$0.isNewline })
}
