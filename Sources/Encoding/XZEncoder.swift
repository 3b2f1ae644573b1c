// SPDX-License-Identifier: MIT

import CCodecs

/// lzma/container.h: lzma_easy_encoder. The kernel verifies CRC32 only (lib/xz/xz_dec_stream.c).
final class XZEncoder: EncoderBackend {
  private var stream = lzma_stream()
  private var buffer = [UInt8](repeating: 0, count: 64 << 10)

  init(_ level: Int) throws(EncodingFailure) {
    guard lzma_easy_encoder(&stream, UInt32(level), LZMA_CHECK_CRC32) == LZMA_OK else {
      throw EncodingFailure(reason: "no memory for xz")
    }
  }

  deinit { lzma_end(&stream) }

  func encode(
    _ bytes: UnsafeRawBufferPointer, isLast: Bool, into output: inout [UInt8]
  ) throws(EncodingFailure) {
    stream.next_in = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.avail_in = bytes.count
    while true {
      let result = buffer.withUnsafeMutableBufferPointer { buffer in
        stream.next_out = buffer.baseAddress
        stream.avail_out = buffer.count
        return lzma_code(&stream, isLast ? LZMA_FINISH : LZMA_RUN)
      }
      output.append(contentsOf: buffer[..<(buffer.count - stream.avail_out)])
      if result == LZMA_STREAM_END { return }
      guard result == LZMA_OK else {
        throw EncodingFailure(reason: "lzma_code: error \(result.rawValue)")
      }
      if !isLast, stream.avail_in == 0, stream.avail_out > 0 { return }
    }
  }
}
