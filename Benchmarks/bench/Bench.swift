// SPDX-License-Identifier: MIT

import Files
import FoundationEssentials
import Glibc
import Machines
import Packing
import Subprocess
import SystemPackage

/// What all boots share, built once.
struct Bench: Sendable {
  /// Debian's kernel.
  let kernel: Kernel
  /// Debian's kernel, its modules and its version.
  let kernelDirectory: FilePath
  /// The version that `uname -r` prints under that kernel.
  let kernelVersion: String
  /// The kernel of `make kernel`, which makes the leaf itself; nil if it has not been built.
  let ownKernel: Kernel?
  /// The same with RAM disks and ext4; nil if it has not been built.
  let ramDiskKernel: Kernel?
  /// The size of leafroot-init in bytes.
  let programSizes: [Architecture: Int]

  let program: GuestInit
  /// LeafRoot's download directory.
  let cache: FilePath
  /// The programs that guests run beside the image, as segments.
  let comparators: FilePath
  /// The directory for images and logs.
  let directory: FilePath

  /// Builds what is missing.
  init(in directory: FilePath) async throws {
    comparators = try await made(by: "Benchmarks/comparators")
    // The path ends in bench/comparators.
    cache = comparators.removingLastComponent().removingLastComponent()
    kernelDirectory = cache.appending("kernels/6.12-x86_64")
    kernel = try Kernel(kernelDirectory.appending("vmlinuz"), for: .x86)
    kernelVersion = try line(of: kernelDirectory.appending("version"))
    ownKernel = try Bench.builtKernel("6.12")
    ramDiskKernel = try Bench.builtKernel("ram-disk-6.12")

    program = try GuestInit(builtInit(for: .x86), for: .x86)
    programSizes = try builtSizes { builtInit(for: $0) }

    try FileManager.default.createDirectory(
      atPath: directory.string, withIntermediateDirectories: true)
    self.directory = directory
  }

  /// The bootable variants in `only` and those they are compared with; all variants if it is empty.
  func variants(_ only: [Variant]) -> [Variant] {
    Variant.allCases.filter { variant in
      let isWanted =
        only.isEmpty || variant == .stock || only.contains { $0 == variant || $0.base == variant }
      guard isWanted else { return false }
      if kernel(of: variant) == nil {
        say("\(variant.rawValue): skipped, since build/kernel has no kernel for it (make bench)")
        return false
      }
      return true
    }
  }

  /// The kernel that `variant` boots; nil if it has not been built.
  private func kernel(of variant: Variant) -> Kernel? {
    switch variant {
    case .ramDisk: ramDiskKernel
    case .kernelStock, .kernel: ownKernel
    default: kernel
    }
  }

  private static func builtKernel(_ name: String) throws -> Kernel? {
    let path = FilePath("build/kernel/bzImage-\(name)")
    return access(path.string, F_OK) == 0 ? try Kernel(path, for: .x86) : nil
  }

  /// A machine with 1 GiB and one processor that boots `image` as `variant`.
  func machine(
    _ variant: Variant, _ image: BootImage, options: String? = nil
  ) throws -> Machine {
    var boot = try image.checkedBoot(variant, program)
    boot.append += variant.parameters(options: options)
    var machine = Machine(
      kernel: kernel(of: variant) ?? kernel,
      initrd: image.initrd(for: variant), parameters: boot.parameters)
    machine.memory = 1024
    machine.timeout = .seconds(600)
    return machine
  }

  /// Boots `machine` in emulation; its log is `name`.log beside the initramfs files.
  func run(_ machine: Machine, name: String) async throws -> Run {
    try await machine.run(log: directory.appending("\(name).log"), accelerator: .tcg)
  }

  /// Boots `machine` as `variant`.
  func boot(_ machine: Machine, _ variant: Variant, name: String) async throws -> TimedBoot {
    TimedBoot(try await run(machine, name: name), variant)
  }
}

/// The path of the leafroot-init that `make build` builds.
func builtInit(for architecture: Architecture) -> FilePath {
  built("leafroot-init", for: architecture)
}

private func built(_ program: String, for architecture: Architecture) -> FilePath {
  let library = getenv("LEAFROOT_LIB").map { FilePath(platformString: $0) } ?? "build/lib/leafroot"
  return library.appending("\(program).\(architecture)")
}

/// The sizes in bytes of a program that was built for these architectures.
private func builtSizes(_ path: (Architecture) -> FilePath) throws -> [Architecture: Int] {
  var sizes: [Architecture: Int] = [:]
  for architecture in Architecture.allCases {
    let path = path(architecture)
    guard access(path.string, F_OK) == 0 else { continue }
    sizes[architecture] = try GuestInit(path, for: architecture).bytes.count
  }
  return sizes
}

/// Runs a script that makes something unless it exists, and returns the path that the script
/// prints.
func made(by script: FilePath, _ arguments: [String] = []) async throws -> FilePath {
  let result = try await Subprocess.run(
    .path(script), arguments: Arguments(arguments), input: .none, output: .string(limit: 4096),
    error: .currentStandardError)
  guard result.terminationStatus.isSuccess else {
    throw FileError(script, found: "\(result.terminationStatus)", expected: "its success")
  }
  return FilePath(result.standardOutput.filter { !$0.isNewline })
}

/// The content of the small file at `path`.
func text(of path: FilePath) throws(FileError) -> String {
  // Files in /proc are longer than their reported size.
  String(decoding: try InputFile(path).bytes(at: 0, count: 1 << 16), as: UTF8.self)
}

/// The first line of the file at `path`.
func line(of path: FilePath) throws(FileError) -> String {
  String(try text(of: path).prefix { !$0.isNewline })
}
