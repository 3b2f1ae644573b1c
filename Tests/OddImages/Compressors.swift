// SPDX-License-Identifier: MIT

import TestSupport

/// The kernel's seven compressors, as programs.
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

  /// Compresses `bytes`, passing `options` to the program.
  public func compress(_ bytes: [UInt8], _ options: String...) throws -> [UInt8] {
    try Command(command + options, input: bytes).output()
  }
}
