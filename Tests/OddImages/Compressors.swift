// SPDX-License-Identifier: MIT

import Foundation

/// The seven compressors of the kernel, as their own programs.
public enum Compressor: String, CaseIterable, Sendable {
  case gzip, bzip2, lzma, xz, lzo, lz4, zstd

  private var command: [String] {
    switch self {
    case .gzip: ["gzip", "-nc"]
    case .bzip2: ["bzip2", "-c"]
    case .lzma: ["xz", "--format=lzma", "-c"]
    case .xz: ["xz", "--check=crc32", "-T1", "-c"]
    case .lzo: ["lzop", "-c"]
    case .lz4: ["lz4", "-lcq"]
    case .zstd: ["zstd", "-cqT1"]
    }
  }

  /// `bytes`, compressed; with `options` for the program.
  public func compress(_ bytes: [UInt8], _ options: String...) throws -> [UInt8] {
    try Compressor.output(of: command + options, input: bytes)
  }

  struct Failed: Error { let command: [String] }

  static func output(of command: [String], input: [UInt8]) throws -> [UInt8] {
    let file = FileManager.default.temporaryDirectory.appending(path: "leafroot-\(UUID())")
    try Data(input).write(to: file)
    // lzop writes a file's time into its header.
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: file.path)
    defer { try? FileManager.default.removeItem(at: file) }

    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = command
    process.standardInput = try FileHandle(forReadingFrom: file)
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failed(command: command) }
    return Array(bytes)
  }
}
