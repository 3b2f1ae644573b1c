// SPDX-License-Identifier: MIT

public import Files
import Images
public import SystemPackage

/// A built `leafroot-init`: the program that becomes PID 1 of the guest. Never run it on a host.
public struct GuestInit: Equatable, Sendable {
  /// The file it was read from.
  public let path: FilePath
  /// Its architecture.
  public let architecture: Architecture
  /// The content of the file.
  public let bytes: [UInt8]

  /// Much larger than any PID 1, yet small enough to read.
  private static let sizeLimit: Int64 = 16 << 20

  /// Reads the program at `path`.
  /// - Throws: ``FileError`` if it is not a 64-bit ELF program of `architecture`. elf(5).
  public init(_ path: FilePath, for architecture: Architecture) throws(FileError) {
    let file = try InputFile(path)
    guard file.size <= GuestInit.sizeLimit else {
      throw FileError(path, "is too large for a leafroot-init: \(file.size) bytes")
    }
    let bytes = try file.bytes()

    // 7f ELF, ELFCLASS64, ELFDATA2LSB; e_machine is the half word at 18.
    guard bytes.count >= 64, bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]) else {
      let name = try Lookalike.name(of: file)
      throw FileError(path, "is \(name.map { "\($0), " } ?? "")not a 64-bit ELF program")
    }
    let machine = UInt16(bytes[18]) | UInt16(bytes[19]) << 8
    guard machine == architecture.elfMachine else {
      let other = Architecture.allCases.first { $0.elfMachine == machine }
      throw FileError(
        path, "is for \(other?.rawValue ?? "ELF machine \(machine)"), not for \(architecture)")
    }

    self.path = path
    self.architecture = architecture
    self.bytes = bytes
  }
}
