// SPDX-License-Identifier: MIT

import CCodecs

/// zstd.h: ZSTD_compressStream2.
final class ZstdEncoder: EncoderBackend {
  private let context = ZSTD_createCCtx()
  private var buffer = [UInt8](repeating: 0, count: ZSTD_CStreamOutSize())

  /// The kernel takes windows of up to 128 MiB (lib/decompress_unzstd.c), but in the guest each
  /// thread allocates one.
  private static let largestWindow: Int32 = 23

  /// The library's levels 5 to 15 take matches of 5 bytes, which pays for programs. Among digits, as
  /// in apt's lists, most of these are chance: without them such members are 5 % smaller, and decode
  /// with a fifth fewer instructions.
  private static let longMatch: Int32 = 6
  private static let levelsOfShortMatches = 5...15
  /// What is compressed both ways, in bytes.
  private static let sampleSize = 1 << 20

  /// Whether the next bytes are the first, at a level with short matches.
  private var hasChoice: Bool

  init(_ level: Int) throws(EncodingFailure) {
    hasChoice = Self.levelsOfShortMatches.contains(level)
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
    if hasChoice {
      hasChoice = false
      try chooseMatches(bytes)
    }
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

  /// Compresses the middle of a member's first bytes both ways, and takes the smaller one.
  private func chooseMatches(_ bytes: UnsafeRawBufferPointer) throws(EncodingFailure) {
    let start = max(0, bytes.count - Self.sampleSize) / 2
    let sample = UnsafeRawBufferPointer(rebasing: bytes[start...].prefix(Self.sampleSize))
    var scratch = [UInt8](repeating: 0, count: ZSTD_compressBound(sample.count))
    let withShort = try size(of: sample, &scratch)
    try check(ZSTD_CCtx_setParameter(context, ZSTD_c_minMatch, Self.longMatch))
    let withoutShort = try size(of: sample, &scratch)
    if withShort <= withoutShort {
      try check(ZSTD_CCtx_setParameter(context, ZSTD_c_minMatch, 0))
    }
  }

  private func size(
    of sample: UnsafeRawBufferPointer, _ scratch: inout [UInt8]
  ) throws(EncodingFailure) -> Int {
    let size = ZSTD_compress2(
      context, &scratch, scratch.count, sample.baseAddress, sample.count)
    try check(size)
    return size
  }

  private func check(_ result: Int) throws(EncodingFailure) {
    guard ZSTD_isError(result) == 0 else {
      throw EncodingFailure(reason: String(cString: ZSTD_getErrorName(result)))
    }
  }
}
