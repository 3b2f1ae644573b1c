// SPDX-License-Identifier: MIT

import BootEntries
import BootFacts
import Encoders
import Fidelity
import Foundation
import Machines
import OddImages
import Packing
import SystemPackage
import TestSupport
import Testing

/// A boot by a boot loader that gets the output of `leafroot entry`, unchanged.
///
/// The image is a small system whose /init is the boot's check. The medium contains it and the
/// kernel, `vmlinuz`.
final class LoaderBoot {
  /// The firmware that starts the boot loader.
  enum Firmware: CaseIterable, Sendable {
    case bios, uefi
  }

  /// The form in which the loader gets the images.
  enum Form: CaseIterable, Sendable {
    /// One wrapped image.
    case wrapped
    /// The leaf segment and the unmodified image.
    case segment
    /// One packed image.
    case packed
    /// One packed image whose programs stay compressed.
    case squashed
    /// The segment of nest and the unmodified image.
    case nested
  }

  /// The files that the loader sees.
  let medium: FilePath
  let kernel: FilePath
  /// The images in the order of the entry.
  private(set) var images: [FilePath] = []

  /// Additional kernel parameters: the console, no reboot, and a quoted parameter with a blank.
  static let append = "console=ttyS0 panic=-1 no_timer_check \(words)"
  static let words = "leafroot.test=\"two words\""

  /// The directory for all files of this boot.
  let directory: TemporaryDirectory
  private let firmware: Firmware
  /// Of the kernel, such as `6.12`.
  private let series: String

  /// - Parameter name: The name of the unmodified image; a wrapped or packed one has another name.
  init(
    _ form: Form, _ firmware: Firmware = .bios, image name: String = "image.img",
    kernel: String = "6.12-x86_64"
  ) throws {
    self.firmware = firmware
    series = StockKernel(name: kernel, isTested: true).series
    directory = try TemporaryDirectory()
    medium = directory.path.appending("medium")
    try FileManager.default.createDirectory(
      atPath: medium.string, withIntermediateDirectories: false)
    self.kernel = medium.appending("vmlinuz")
    try FileManager.default.copyItem(
      atPath: Place.kernel(kernel).string, toPath: self.kernel.string)
    images = try makeImages(form, name)
  }

  /// The text for `loader` that `leafroot entry` prints.
  func text(
    for loader: Loader, kernel: String? = nil, prefix: String? = nil, append: String = append
  ) throws -> String {
    let entry = try BootEntry(
      LoadedImages(images), for: loader, kernel: kernel, prefix: prefix, append: append)
    return try loader.text(entry)
  }

  /// Writes a file of the medium, and its parent directories.
  @discardableResult
  func write(_ text: String, to name: String) throws -> FilePath {
    try place(name) { try Data(text.utf8).write(to: URL(filePath: $0.string)) }
  }

  /// Copies a file to the medium.
  func copy(_ file: FilePath, to name: String) throws {
    try place(name) { try FileManager.default.copyItem(atPath: file.string, toPath: $0.string) }
  }

  @discardableResult
  private func place(_ name: String, _ make: (FilePath) throws -> Void) throws -> FilePath {
    let path = medium.appending(name)
    try FileManager.default.createDirectory(
      atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
    try make(path)
    return path
  }

  /// Packs an image with the tool; its directory `name` stays compressed.
  func squash(_ name: String, of image: FilePath, into output: FilePath) throws -> FilePath {
    let words = ["--squash", name, "--modules", "debian:\(series)", "--level", "3"]
    let command = Tool(booting: directory, "pack").command(
      [image.string, "-o", output.string] + words)
    _ = try command.output()
    return output
  }

  private func makeImages(_ form: Form, _ name: String) throws -> [FilePath] {
    let program = try GuestInit.built()
    var checked = CheckedBoot([], program: program)
    checked.command = [
      "/bin/busybox", "sh", "-c", "busybox mount -t proc proc /proc; busybox cat /proc/cmdline",
    ]
    let plain = try Compressor.zstd.compress(checked.segment().bytes + GuestTree().image)

    let image = try file(name, plain)
    switch form {
    case .wrapped:
      return [try file("wrapped.img", Segment.leaf(program).bytes + plain)]
    case .segment:
      return [try file("leaf.img", Segment.leaf(program).bytes), image]
    case .packed:
      let packer = Packer(.zstd(level: 3), jobs: 2, memberSize: 1 << 20)
      return [try file("packed.img", packer.packed(plain, program))]
    case .squashed:
      return [try squash("/bin", of: image, into: medium.appending("squashed.img"))]
    case .nested:
      return [try file("nest.img", Nester().segment(program)), image]
    }
  }

  private func file(_ name: String, _ bytes: [UInt8]) throws -> FilePath {
    try place(name) { try Data(bytes).write(to: URL(filePath: $0.string)) }
  }
}

// MARK: Running

extension LoaderBoot {
  /// The directory of a loader that Scripts/loaders has unpacked.
  static func loaders(_ name: String) -> FilePath {
    Place.cache.appending("loaders").appending(name)
  }

  /// Runs a virtual machine with this firmware.
  ///
  /// - Parameter arguments: QEMU's arguments for the medium.
  func run(_ arguments: [String]) async throws -> Outcome {
    let log = directory.path.appending("console.log")
    var words = [
      "qemu-system-x86_64", "-M", "q35", "-cpu", "max", "-accel", "tcg", "-m", "1024",
      "-no-reboot", "-display", "none", "-monitor", "none", "-serial", "file:\(log)",
    ]
    if firmware == .uefi { words += try uefi() }
    return try await run(words + arguments, log)
  }

  /// Runs a shell script that boots a machine whose console is its standard output.
  func run(shell text: String) async throws -> Outcome {
    let log = directory.path.appending("console.log")
    return try await run(["sh", "-c", "exec >'\(log)'\n\(text)"], log)
  }

  private func run(_ words: [String], _ log: FilePath) async throws -> Outcome {
    let program = ConsoleProgram(
      words: words, directory: medium, log: log, timeout: .seconds(240))
    return try await Gate.shared.pass { try await program.run() }
  }

  /// QEMU's arguments for the firmware's code and a copy of its variables.
  private func uefi() throws -> [String] {
    let code = Self.loaders("ovmf").appending("usr/share/OVMF/OVMF_CODE_4M.fd")
    let variables = directory.path.appending("variables.fd")
    try FileManager.default.copyItem(
      atPath: Self.loaders("ovmf").appending("usr/share/OVMF/OVMF_VARS_4M.fd").string,
      toPath: variables.string)
    return [
      "-drive", "if=pflash,unit=0,format=raw,readonly=on,file=\(code)",
      "-drive", "if=pflash,unit=1,format=raw,file=\(variables)",
    ]
  }
}

extension Outcome {
  /// The machine must have a leaf as promised, and the kernel must have got all parameters
  /// unchanged.
  func expectPromise(_ comment: String = "") {
    #expect(verdict.outcome == .asPromised, "\(comment)\n\(self)")
    let line = KernelCommandLine(Array(output.utf8))
    #expect(
      line.value(of: "leafroot.test").map { String(decoding: $0, as: UTF8.self) } == "two words",
      "\(comment)\n\(self)")
  }
}
