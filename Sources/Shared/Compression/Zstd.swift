// SPDX-License-Identifier: MIT

import CCodecs

/// lib/decompress_unzstd.c: one frame.
final class ZstdDecoder: Backend {
  private let context = ZSTD_createDCtx()
  private let rules: Decoder.Rules
  private var isStarted = false

  let truncated: StaticString? = "ZSTD-compressed data is truncated"
  private(set) var workspace = 0

  init(_ rules: Decoder.Rules) throws(Decoder.Failure) {
    self.rules = rules
    guard context != nil else { throw .outOfMemory }
  }

  deinit { ZSTD_freeDCtx(context) }

  func restart() -> Bool {
    isStarted = false
    workspace = 0
    return ZSTD_isError(ZSTD_DCtx_reset(context, ZSTD_reset_session_only)) == 0
  }

  func step(
    _ input: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
  ) throws(Decoder.Failure) -> Decoder.Step {
    if !isStarted {
      isStarted = true
      workspace = ZstdDecoder.workspace(input)
      guard rules.takesEmptyZstd || !ZstdDecoder.isEmpty(input) else {
        throw Decoder.Failure(
          found: "a zstd frame without content", expected: "a frame with some",
          kernelMessage: "ZSTD-compressed data is probably corrupt")
      }
    }
    var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var sink = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    let result = ZSTD_decompressStream(context, &sink, &source)
    guard ZSTD_isError(result) == 0 else {
      guard ZSTD_getErrorCode(result) != ZSTD_error_memory_allocation else { throw .outOfMemory }
      throw Decoder.Failure(
        found: "damaged zstd data",
        detail: .library(Decoder.Failure.Sentence(ZSTD_getErrorName(result))),
        expected: "a whole zstd frame", kernelMessage: "ZSTD-compressed data is corrupt")
    }
    return Decoder.Step(taken: source.pos, made: sink.pos, isEnd: result == 0)
  }

  /// Whether a frame is one segment with a one-byte content size of 0: RFC 8878, 3.1.1.1.
  private static func isEmpty(_ frame: UnsafeRawBufferPointer) -> Bool {
    frame.count > 5 && frame[4] & 0xE3 == 0x20 && frame[5] == 0
  }

  /// The memory for the window, two blocks in, two out, and the context
  /// (`ZSTD_estimateDStreamSize`).
  ///
  /// Source: RFC 8878, 3.1.1.1: the window's size is in the frame's header, or is the content's.
  private static func workspace(_ frame: UnsafeRawBufferPointer) -> Int {
    guard frame.count >= 16 else { return 0 }
    let descriptor = frame[4]
    var window: UInt64
    if descriptor & 0x20 == 0 {
      let base: UInt64 = 1 << (10 + UInt64(frame[5] >> 3))
      window = base + base / 8 * UInt64(frame[5] & 7)
    } else {
      let field = 5 + [0, 1, 2, 4][Int(descriptor & 3)]
      switch descriptor >> 6 {
      case 0: window = UInt64(frame[field])
      case 1: window = 256 + UInt64(frame[field]) + UInt64(frame[field + 1]) << 8
      default: window = UInt64(frame.littleEndian32(at: field))
      }
    }
    return Int(window) + (700 << 10)
  }
}
