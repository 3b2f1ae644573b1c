// SPDX-License-Identifier: MIT

import CCodecs

/// Compression failed: the library reported an error, or memory ran out.
public struct EncodingFailure: Error {
  public let reason: String
}

/// Compresses one member of an image, in memory.
public final class Encoder {
  private let backend: any EncoderBackend
  private var output: [UInt8] = []

  /// - Parameter size: The member's size in bytes, if known: decoding a small one takes less
  ///   memory.
  public init(_ encoding: Encoding, size: Int? = nil) throws(EncodingFailure) {
    switch encoding {
    case .none: backend = Copier()
    case .zstd(let level): backend = try ZstdEncoder(level)
    case .lz4(let level): backend = LZ4Encoder(level)
    case .gzip(let level): backend = try GzipEncoder(level)
    case .xz(let level): backend = try XZEncoder(level, size: size)
    }
  }

  /// Compresses the next bytes of the member.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(EncodingFailure) {
    try backend.encode(bytes, isLast: false, into: &output)
  }

  /// Compresses the next bytes of the member.
  public func write(_ bytes: [UInt8]) throws(EncodingFailure) {
    try bytes.withUnsafeBufferPointer { (bytes) throws(EncodingFailure) in
      try write(UnsafeRawBufferPointer(bytes))
    }
  }

  /// Returns the compressed member; call it once.
  public func finish() throws(EncodingFailure) -> [UInt8] {
    try backend.encode(UnsafeRawBufferPointer(start: nil, count: 0), isLast: true, into: &output)
    return output
  }
}

/// One compressor.
protocol EncoderBackend: AnyObject {
  /// Encodes `bytes`, and flushes the rest if they are the last.
  func encode(
    _ bytes: UnsafeRawBufferPointer, isLast: Bool, into output: inout [UInt8]
  ) throws(EncodingFailure)
}

private final class Copier: EncoderBackend {
  func encode(
    _ bytes: UnsafeRawBufferPointer, isLast: Bool, into output: inout [UInt8]
  ) { output.append(contentsOf: bytes) }
}
