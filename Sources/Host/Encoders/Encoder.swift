// SPDX-License-Identifier: MIT

import CCodecs

/// Why nothing is compressed: the library says this, or memory has run out.
public struct EncodingFailure: Error {
  public let reason: String
}

/// Compresses one member of an image, in memory.
public final class Encoder {
  private let backend: any EncoderBackend
  private var output: [UInt8] = []

  /// - Parameter size: of the member, if it is known: a decoder needs less memory for a small one.
  public init(_ encoding: Encoding, size: Int? = nil) throws(EncodingFailure) {
    switch encoding {
    case .none: backend = Copier()
    case .zstd(let level): backend = try ZstdEncoder(level)
    case .lz4(let level): backend = LZ4Encoder(level)
    case .gzip(let level): backend = try GzipEncoder(level)
    case .xz(let level): backend = try XZEncoder(level, size: size)
    }
  }

  /// Takes the next bytes of the member.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(EncodingFailure) {
    try backend.encode(bytes, isLast: false, into: &output)
  }

  /// The same of an array.
  public func write(_ bytes: [UInt8]) throws(EncodingFailure) {
    try bytes.withUnsafeBufferPointer { (bytes) throws(EncodingFailure) in
      try write(UnsafeRawBufferPointer(bytes))
    }
  }

  /// The member, compressed; to be called once.
  public func finish() throws(EncodingFailure) -> [UInt8] {
    try backend.encode(UnsafeRawBufferPointer(start: nil, count: 0), isLast: true, into: &output)
    return output
  }
}

/// One compressor.
protocol EncoderBackend: AnyObject {
  /// Encodes `bytes`, and all that is left if they are the last.
  func encode(
    _ bytes: UnsafeRawBufferPointer, isLast: Bool, into output: inout [UInt8]
  ) throws(EncodingFailure)
}

private final class Copier: EncoderBackend {
  func encode(
    _ bytes: UnsafeRawBufferPointer, isLast: Bool, into output: inout [UInt8]
  ) { output.append(contentsOf: bytes) }
}
