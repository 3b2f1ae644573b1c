// SPDX-License-Identifier: MIT

import CCodecs

/// lib/decompress_unlzma.c: one stream of the old format, `lzma_alone`.
final class LZMADecoder: Backend {
  private var stream = lzma_stream()
  // A fault, held back until the output before it has been handed over.
  private var pending: Decoder.Failure?

  let truncated: StaticString? = nil
  /// What liblzma's own decoder takes; nearly all of that is the dictionary.
  private(set) var workspace = 0

  init() throws(Decoder.Failure) {
    // liblzma counts its own state, too.
    let limit = UInt64(Decoder.memoryLimit + (1 << 20))
    guard lzma_alone_decoder(&stream, limit) == LZMA_OK else { throw .outOfMemory }
  }

  deinit { lzma_end(&stream) }

  func step(
    _ input: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
  ) throws(Decoder.Failure) -> Decoder.Step {
    if let pending { throw pending }
    stream.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.avail_in = input.count
    stream.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.avail_out = output.count

    let result = lzma_code(&stream, LZMA_RUN)
    guard result == LZMA_OK || result == LZMA_STREAM_END || result == LZMA_BUF_ERROR else {
      guard stream.avail_out < output.count else { throw failure(result) }
      pending = failure(result)
      return Decoder.Step(
        taken: input.count - stream.avail_in, made: output.count - stream.avail_out)
    }
    workspace = max(workspace, Int(clamping: lzma_memusage(&stream)))
    return Decoder.Step(
      taken: input.count - stream.avail_in, made: output.count - stream.avail_out,
      isEnd: result == LZMA_STREAM_END)
  }

  private func failure(_ result: lzma_ret) -> Decoder.Failure {
    switch result {
    case LZMA_MEM_ERROR: .outOfMemory
    case LZMA_MEMLIMIT_ERROR:
      Decoder.Failure(
        found: "lzma with a dictionary above 256 MiB", expected: "a smaller one")
    case LZMA_OPTIONS_ERROR, LZMA_FORMAT_ERROR:
      Decoder.Failure(
        found: "no lzma header", expected: "whole lzma data", kernelMessage: "bad header")
    default:
      Decoder.Failure(
        found: "damaged lzma data", expected: "whole lzma data",
        kernelMessage: "LZMA data is corrupt")
    }
  }
}
