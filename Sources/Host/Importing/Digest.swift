// SPDX-License-Identifier: MIT

import CArchive
import Files
import SystemPackage

/// The digest that names a blob of a container image: OCI Image Specification, descriptor.md.
package struct Digest: Hashable, CustomStringConvertible {
  package enum Algorithm: String, Sendable {
    case sha256, sha512

    var hexCount: Int { self == .sha256 ? 64 : 128 }
  }

  package let algorithm: Algorithm
  /// Lower-case hexadecimal.
  package let hex: String

  /// Parses `ALGORITHM:HEX`; nil if `text` is anything else.
  init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let algorithm = Algorithm(rawValue: String(parts[0])),
      parts[1].utf8.count == algorithm.hexCount,
      parts[1].utf8.allSatisfy({ Self.digits.contains($0) })
    else { return nil }
    self.algorithm = algorithm
    hex = String(parts[1])
  }

  /// The digest with this hash value.
  fileprivate init(_ algorithm: Algorithm, sum: [UInt8]) {
    self.algorithm = algorithm
    hex = String(
      decoding: sum.flatMap { [Self.digits[Int($0 >> 4)], Self.digits[Int($0 & 15)]] },
      as: UTF8.self)
  }

  package var description: String { "\(algorithm.rawValue):\(hex)" }

  private static let digits = Array("0123456789abcdef".utf8)
}

/// Computes a digest.
package struct Hasher {
  private enum Context {
    case sha256(sha256_ctx)
    case sha512(sha512_ctx)
  }

  private var context: Context

  package init(_ algorithm: Digest.Algorithm) {
    switch algorithm {
    case .sha256:
      var context = sha256_ctx()
      nettle_sha256_init(&context)
      self.context = .sha256(context)
    case .sha512:
      var context = sha512_ctx()
      nettle_sha512_init(&context)
      self.context = .sha512(context)
    }
  }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    switch context {
    case .sha256(var context):
      nettle_sha256_update(&context, bytes.count, start)
      self.context = .sha256(context)
    case .sha512(var context):
      nettle_sha512_update(&context, bytes.count, start)
      self.context = .sha512(context)
    }
  }

  package func finish() -> Digest {
    switch context {
    case .sha256(var context):
      var sum = [UInt8](repeating: 0, count: 32)
      nettle_sha256_digest(&context, sum.count, &sum)
      return Digest(.sha256, sum: sum)
    case .sha512(var context):
      var sum = [UInt8](repeating: 0, count: 64)
      nettle_sha512_digest(&context, sum.count, &sum)
      return Digest(.sha512, sum: sum)
    }
  }
}

/// A stream that verifies its digest at its end.
final class VerifiedStream: ByteStream {
  private let path: FilePath
  private let what: String
  private let stream: any ByteStream
  private let expected: Digest
  private var hasher: Hasher
  private var isVerified = false

  /// - Parameters:
  ///   - path: The source's name in errors.
  ///   - what: The name of the part that is read.
  init(_ path: FilePath, _ what: String, _ stream: any ByteStream, is expected: Digest) {
    self.path = path
    self.what = what
    self.stream = stream
    self.expected = expected
    hasher = Hasher(expected.algorithm)
  }

  /// - Throws: ``FileError`` at the end, if the digest differs.
  func next() throws -> UnsafeRawBufferPointer {
    let bytes = try stream.next()
    guard bytes.isEmpty else {
      hasher.update(bytes)
      return bytes
    }
    if !isVerified {
      isVerified = true
      let found = hasher.finish()
      guard found == expected else {
        throw FileError(path, found: "\(what) with digest \(found)", expected: "\(expected)")
      }
    }
    return bytes
  }
}
