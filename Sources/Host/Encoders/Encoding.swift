// SPDX-License-Identifier: MIT

/// A compression that the kernel can undo, with its level.
public enum Encoding: Equatable, Sendable {
  case none
  /// Levels 1 to 22.
  case zstd(level: Int)
  /// The legacy frame, with levels 1 to 12.
  case lz4(level: Int)
  /// Levels 1 to 9.
  case gzip(level: Int)
  /// With CRC32, the only check the kernel supports. Levels 0 to 9.
  case xz(level: Int)
}

extension Encoding {
  /// The name of a compressor.
  public enum Compressor: String, CaseIterable, Sendable {
    case zstd, lz4, gzip, xz, none

    /// The levels that the library supports; only 0 for `none`.
    public var levels: ClosedRange<Int> {
      switch self {
      case .zstd: 1...22
      case .lz4: 1...12
      case .gzip: 1...9
      case .xz: 0...9
      case .none: 0...0
      }
    }
  }

  /// The encoding of a compressor.
  /// - Parameter level: One of its ``Compressor/levels``; nil for the default.
  public init(_ compressor: Compressor, level: Int? = nil) {
    self =
      switch compressor {
      case .zstd: .zstd(level: level ?? 10)
      case .lz4: .lz4(level: level ?? 9)
      case .gzip: .gzip(level: level ?? 6)
      case .xz: .xz(level: level ?? 6)
      case .none: .none
      }
  }

  /// The default size of a member in bytes, before compression. Larger windows need larger members.
  public var memberSize: Int {
    if case .zstd(let level) = self, level >= 16 { 32 << 20 } else { 16 << 20 }
  }
}
