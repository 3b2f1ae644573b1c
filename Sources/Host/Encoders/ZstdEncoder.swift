// SPDX-License-Identifier: MIT

import CCodecs

/// zstd.h: ZSTD_compressStream2.
final class ZstdEncoder: EncoderBackend {
  private let context = ZSTD_createCCtx()
  private var buffer = [UInt8](repeating: 0, count: ZSTD_CStreamOutSize())

  /// The kernel takes windows of up to 128 MiB (lib/decompress_unzstd.c), but in the guest each
  /// thread allocates one.
  private static let largestWindow: Int32 = 23

  init(_ level: Int) throws(EncodingFailure) {
    guard context != nil else { throw EncodingFailure(reason: "no memory for zstd") }
    try check(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(level)))
    if level > 19 {
      try check(ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, Self.largestWindow))
    }
    try check(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1))
  }

  deinit { ZSTD_freeCCtx(context) }

  func encode(
    _ bytes: UnsafeRawBufferPointer, isLast: Bool, into output: inout [UInt8]
  ) throws(EncodingFailure) {
    var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
    while true {
      var sink = ZSTD_outBuffer(dst: nil, size: buffer.count, pos: 0)
      let left = buffer.withUnsafeMutableBytes { buffer in
        sink.dst = buffer.baseAddress
        return ZSTD_compressStream2(context, &sink, &input, isLast ? ZSTD_e_end : ZSTD_e_continue)
      }
      try check(left)
      output.append(contentsOf: buffer[..<sink.pos])
      if isLast ? left == 0 : input.pos == input.size { return }
    }
  }

  private func check(_ result: Int) throws(EncodingFailure) {
    guard ZSTD_isError(result) == 0 else {
      throw EncodingFailure(reason: String(cString: ZSTD_getErrorName(result)))
    }
  }
}
