// SPDX-License-Identifier: MIT

import CCodecs

/// lib/decompress_unlz4.c: the legacy frame, chunks of 8 MiB.
///
/// The frame has no end mark. What follows is taken as a chunk's size, unless it is the magic
/// again, four zero bytes (Linux 5.14 and later), or fewer than four bytes.
final class LZ4Decoder: Backend {
  private static let magic: UInt32 = 0x184C_2102
  private static let chunkSize = 8 << 20

  let outputSize = chunkSize
  private(set) var needed = 4
  private var isStarted = false
  private let rules: Decoder.Rules

  let truncated: StaticString? = "data corrupted"
  let workspace = chunkSize

  init(_ rules: Decoder.Rules) { self.rules = rules }

  func step(
    _ input: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
  ) throws(Decoder.Failure) -> Decoder.Step {
    guard input.count >= 4 else {
      guard isStarted else { return Decoder.Step() }
      return Decoder.Step(isEnd: isLast)
    }
    let size = input.littleEndian32(at: 0)
    guard isStarted || size == LZ4Decoder.magic else {
      throw failure("no legacy frame of lz4", "invalid header")
    }
    if size == LZ4Decoder.magic {
      isStarted = true
      return Decoder.Step(taken: 4, isEnd: isLast && input.count == 4)
    }
    if size == 0 {
      guard rules.zerosEndLZ4 else { throw failure("a chunk of 0 bytes", "Decoding failed") }
      return Decoder.Step(isEnd: true)
    }

    // A chunk of 8 MiB never compresses to more than this.
    guard size <= UInt32(LZ4_compressBound(Int32(LZ4Decoder.chunkSize))) else {
      throw failure(
        "a chunk that is too long, or another member", "Decoding failed", .bytes(Int(size)))
    }
    needed = 4 + Int(size)
    guard input.count >= needed else {
      // The kernel goes on decoding beyond the image, and fails there.
      if isLast {
        var failure = failure("the end of the file in a chunk", "Decoding failed")
        failure.isTruncated = true
        throw failure
      }
      return Decoder.Step()
    }
    return try decode(input, isLast: isLast, into: output)
  }

  private func decode(
    _ input: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
  ) throws(Decoder.Failure) -> Decoder.Step {
    let made = LZ4_decompress_safe(
      input.baseAddress.map { ($0 + 4).assumingMemoryBound(to: CChar.self) },
      output.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(needed - 4),
      Int32(min(output.count, LZ4Decoder.chunkSize)))
    guard made >= 0 else { throw failure("a damaged chunk", "Decoding failed") }
    let taken = needed
    needed = 4
    return Decoder.Step(taken: taken, made: Int(made), isEnd: isLast && taken == input.count)
  }

  private func failure(
    _ found: StaticString, _ message: StaticString, _ detail: Decoder.Failure.Detail = .none
  ) -> Decoder.Failure {
    Decoder.Failure(
      found: found, detail: detail,
      expected: "whole lz4 data, then its end or four zero bytes", kernelMessage: message)
  }
}
