// SPDX-License-Identifier: MIT

import CCodecs

/// lzma/container.h: lzma_stream_encoder. The kernel verifies CRC32 only (lib/xz/xz_dec_stream.c).
final class XZEncoder: EncoderBackend {
  private var stream = lzma_stream()
  private var buffer = [UInt8](repeating: 0, count: 64 << 10)

  /// Each thread of PID 1 needs this much memory to decode, whatever the member's size. Levels 7 to
  /// 9 are level 6 with a larger dictionary: up to 64 MiB.
  private static let dictionaryLimit = 8 << 20
  /// lzma/lzma12.h: LZMA_DICT_SIZE_MIN, LZMA_FILTER_LZMA2; lzma/vli.h: LZMA_VLI_UNKNOWN ends a list.
  private static let dictionaryMinimum = 4096
  private static let (lzma2, endOfFilters): (lzma_vli, lzma_vli) = (0x21, .max)

  /// - Parameter size: The uncompressed size in bytes; nil if unknown.
  init(_ level: Int, size: Int?) throws(EncodingFailure) {
    var options = lzma_options_lzma()
    guard lzma_lzma_preset(&options, UInt32(level)) == 0 else {
      throw EncodingFailure(reason: "xz has no level \(level)")
    }
    // A dictionary larger than the data is useless.
    let useful = max(size ?? .max, Self.dictionaryMinimum)
    options.dict_size = UInt32(min(Int(options.dict_size), Self.dictionaryLimit, useful))

    let result = withUnsafeMutablePointer(to: &options) { options in
      let filters = [
        lzma_filter(id: Self.lzma2, options: options),
        lzma_filter(id: Self.endOfFilters, options: nil),
      ]
      return lzma_stream_encoder(&stream, filters, LZMA_CHECK_CRC32)
    }
    guard result == LZMA_OK else { throw EncodingFailure(reason: "no memory for xz") }
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
