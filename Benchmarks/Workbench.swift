// SPDX-License-Identifier: MIT

import Glibc
import Initramfs
import Machine
import Subprocess
import SystemPackage

/// All that is booted, built once.
struct Workbench: Sendable {
  /// Images as the scripts left them, and what is in them.
  struct Yardstick: Sendable {
    let name: String
    let figures: Figures
  }

  let kernel: Kernel
  /// What `uname -r` says there.
  let kernelVersion: String
  /// What the image is made of, one NAME VERSION a line.
  let packages: String
  let image: Yardstick
  let small: Yardstick
  /// Bytes of the built leafroot-init.
  let programSizes: [Architecture: Int]

  private let program: GuestInit
  private let directory: FilePath

  /// Builds what is missing and puts the images into `directory`.
  init(in directory: FilePath) async throws {
    try await script("/bin/mkdir", "-p", directory.string)
    let yardstick = try await script("Benchmarks/yardstick")
    let comparators = try await script("Benchmarks/comparators").appending("segment.cpio")
    let kernelDirectory = yardstick.removingLastComponent().removingLastComponent()
      .appending("kernels/6.12-x86_64")

    let library = getenv("LEAFROOT_LIB").map { FilePath(platformString: $0) } ?? "build/lib/leafroot"
    var sizes: [Architecture: Int] = [:]
    for architecture in Architecture.allCases {
      let path = library.appending("leafroot-init.\(architecture)")
      guard access(path.string, F_OK) == 0 else { continue }
      sizes[architecture] = try GuestInit(path, for: architecture).bytes.count
    }

    self.directory = directory
    kernel = try Kernel(kernelDirectory.appending("vmlinuz"), for: .x86)
    kernelVersion = try text(of: kernelDirectory.appending("version"))
    packages = try text(of: yardstick.appending("packages"))
    program = try GuestInit(library.appending("leafroot-init.x86_64"), for: .x86)
    programSizes = sizes
    image = try Yardstick(name: "image", figures: Figures(yardstick.appending("image.figures")))
    small = try Yardstick(name: "small", figures: Figures(yardstick.appending("small.figures")))

    for yardstick in [(image, yardstick), (small, yardstick)] {
      let plain = yardstick.1.appending("\(yardstick.0.name).zst")
      let wrapped = directory.appending("\(yardstick.0.name).wrapped")
      try Image(plain).wrap(with: .leaf(program), into: wrapped)
      for (source, isWrapped) in [(plain, false), (wrapped, true)] {
        let boot = checkedBoot(yardstick.0, source)
        try Initrd.write(
          boot.segment(), [source, comparators], into: initrd(yardstick.0, isWrapped: isWrapped))
      }
    }
  }

  private func checkedBoot(_ yardstick: Yardstick, _ image: FilePath) -> CheckedBoot {
    var boot = CheckedBoot([image], program: program)
    let figures = yardstick.figures
    boot.command = ["/.bench/whole", "\(figures.files)", "\(figures.named)"]
    return boot
  }

  private func initrd(_ yardstick: Yardstick, isWrapped: Bool) -> FilePath {
    directory.appending("\(yardstick.name)-\(isWrapped ? "wrapped" : "plain").initrd")
  }

  /// A machine of 1 GiB and one processor that boots `yardstick` in the way of `variant`.
  func machine(
    _ variant: Variant, _ yardstick: Yardstick, options: String? = nil
  ) throws -> Machine {
    let initrd = initrd(yardstick, isWrapped: variant == .wrap)
    var words = ["rdinit=/\(CheckedBoot.directory)/init", "check"]
    if variant == .wrap {
      words = [KernelWords.leaf, "leafroot_init=/\(CheckedBoot.directory)/init", "check"]
    }
    var machine = Machine(
      kernel: kernel, initrd: initrd, words: words + variant.words(options: options))
    machine.memory = 1024
    machine.timeout = .seconds(600)
    return machine
  }

  /// Boots `machine` in emulation; its log is `name`.log beside the images.
  func boot(_ machine: Machine, _ variant: Variant, name: String) async throws -> Boot {
    let run = try await machine.run(log: directory.appending("\(name).log"), accelerator: .tcg)
    return Boot(run, variant)
  }
}

/// Runs `program`, which prints one path.
@discardableResult
private func script(_ program: String, _ arguments: String...) async throws -> FilePath {
  let result = try await Subprocess.run(
    .path(FilePath(program)), arguments: Arguments(arguments), input: .none,
    output: .string(limit: 1 << 16), error: .currentStandardError)
  guard result.terminationStatus.isSuccess else {
    throw FileError(
      FilePath(program), found: "\(result.terminationStatus)", expected: "its success")
  }
  return FilePath(result.standardOutput.filter { !$0.isNewline })
}

/// The content of the file at `path` without the end of its last line.
func text(of path: FilePath) throws(FileError) -> String {
  let file = try InputFile(path)
  let bytes = try file.bytes(at: 0, count: Int(file.size))
  return String(decoding: bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...], as: UTF8.self)
}
