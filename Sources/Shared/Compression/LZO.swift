// SPDX-License-Identifier: MIT

import CCodecs

/// lib/decompress_unlzo.c: lzop's format, with one check for each block, which is not verified.
final class LZODecoder: Backend {
  private static let magic: [UInt8] = [0x89, 0x4C, 0x5A, 0x4F, 0x00, 0x0D, 0x0A, 0x1A, 0x0A]
  private static let blockSize = 256 << 10
  /// `HEADER_SIZE_MIN` and `HEADER_SIZE_MAX`.
  private static let headerSizes = 33...297

  let outputSize = blockSize
  private(set) var needed = headerSizes.upperBound
  private(set) var isCheckWrong = false
  private var isStarted = false
  private var check = Check.none

  /// Which check of a block's data comes first (lzop, `F_ADLER32_D` and `F_CRC32_D`).
  private enum Check { case none, adler32, crc32 }

  let truncated: StaticString? = "file corrupted"
  let workspace = blockSize

  func step(
    _ input: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
  ) throws(Decoder.Failure) -> Decoder.Step {
    if !isStarted {
      guard isLast || input.count >= needed else { return Decoder.Step() }
      guard let size = header(input) else {
        var failure = failure("no lzop header", "invalid header")
        let magic = LZODecoder.magic.prefix(input.count)
        failure.isTruncated = isLast && input.count < needed && input.starts(with: magic)
        throw failure
      }
      isStarted = true
      needed = 12
      return Decoder.Step(taken: size)
    }

    guard input.count >= 4 else { return Decoder.Step() }
    let made = Int(input.bigEndian32(at: 0))
    if made == 0 { return Decoder.Step(taken: 4, isEnd: true) }
    guard made <= LZODecoder.blockSize else {
      throw failure(
        "a block that is too long", "dest len longer than block size", .bytes(made))
    }
    guard input.count >= 12 else { return Decoder.Step() }
    let size = Int(input.bigEndian32(at: 4))
    guard size > 0, size <= made else {
      throw failure(
        "a block that is empty, or longer than what it holds", "file corrupted", .bytes(size))
    }
    needed = 12 + size
    guard input.count >= needed else { return Decoder.Step() }
    try decode(input, size: size, made: made, into: output)
    needed = 12
    return Decoder.Step(taken: 12 + size, made: made)
  }

  /// `parse_header`: the header's length; nil if there is none.
  private func header(_ input: UnsafeRawBufferPointer) -> Int? {
    guard input.count >= LZODecoder.headerSizes.lowerBound,
      input.starts(with: LZODecoder.magic)
    else { return nil }
    let version = UInt16(input[9]) << 8 | UInt16(input[10])
    let isNew = version >= 0x0940
    var offset = isNew ? 17 : 16
    let flags = input.bigEndian32(at: offset)
    offset += flags & 0x800 != 0 ? 8 : 4
    guard input.count - offset >= 13 else { return nil }
    offset += isNew ? 12 : 8
    guard offset < input.count else { return nil }
    offset += 1 + Int(input[offset]) + 4
    guard offset <= input.count else { return nil }
    check = flags & 0x1 != 0 ? .adler32 : flags & 0x100 != 0 ? .crc32 : .none
    return offset
  }

  private func decode(
    _ input: UnsafeRawBufferPointer, size: Int, made: Int,
    into output: UnsafeMutableRawBufferPointer
  ) throws(Decoder.Failure) {
    guard let source = input.baseAddress.map({ $0 + 12 }), let sink = output.baseAddress else {
      return
    }
    if size == made {
      sink.copyMemory(from: source, byteCount: size)
    } else {
      var length = lzo_uint(made)
      let result = lzo1x_decompress_safe(
        source.assumingMemoryBound(to: UInt8.self), lzo_uint(size),
        sink.assumingMemoryBound(to: UInt8.self), &length, nil)
      guard result == LZO_E_OK, length == made else {
        throw failure("a damaged block", "Compressed data violation")
      }
    }

    let bytes = sink.assumingMemoryBound(to: UInt8.self)
    let expected = UInt(input.bigEndian32(at: 8))
    switch check {
    case .none: break
    case .adler32: isCheckWrong = isCheckWrong || adler32_z(1, bytes, made) != expected
    case .crc32: isCheckWrong = isCheckWrong || crc32_z(0, bytes, made) != expected
    }
  }

  private func failure(
    _ found: StaticString, _ message: StaticString, _ detail: Decoder.Failure.Detail = .none
  ) -> Decoder.Failure {
    Decoder.Failure(
      found: found, detail: detail, expected: "whole lzop data", kernelMessage: message)
  }
}
