// SPDX-License-Identifier: MIT

import CCodecs

/// lib/decompress_unzstd.c: one frame.
final class ZstdDecoder: Backend {
  private let context: OpaquePointer

  let truncated: String? = "ZSTD-compressed data is truncated"

  init() {
    guard let context = ZSTD_createDCtx() else { preconditionFailure("zstd is out of memory") }
    self.context = context
  }

  deinit { ZSTD_freeDCtx(context) }

  func step(
    _ input: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
  ) throws(Decoder.Failure) -> Decoder.Step {
    var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var sink = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    let result = ZSTD_decompressStream(context, &sink, &source)
    guard ZSTD_isError(result) == 0 else {
      let reason = String(cString: ZSTD_getErrorName(result))
      throw Decoder.Failure(
        found: "damaged zstd data (\(reason))", expected: "a whole zstd frame",
        kernelMessage: "ZSTD-compressed data is corrupt")
    }
    return Decoder.Step(taken: source.pos, made: sink.pos, isEnd: result == 0)
  }
}
