// SPDX-License-Identifier: MIT

import CCodecs

/// lib/decompress_unlzma.c and lib/decompress_unxz.c: one stream, of xz only with check none or
/// crc32.
final class LZMADecoder: Backend {
  private var stream = lzma_stream()
  private let codec: Codec
  private var isChecked: Bool
  // What came before the fault was handed over first, as the kernel's unxz does.
  private var pending: Decoder.Failure?

  init(_ codec: Codec) {
    self.codec = codec
    isChecked = codec == .lzma
    // liblzma counts its own state, too.
    let limit = UInt64(Decoder.memoryLimit + (1 << 20))
    let result =
      codec == .lzma ? lzma_alone_decoder(&stream, limit) : lzma_stream_decoder(&stream, limit, 0)
    precondition(result == LZMA_OK, "liblzma is out of memory")
  }

  deinit { lzma_end(&stream) }

  /// liblzma counts what its own decoder takes, and nearly all of that is the dictionary.
  private(set) var workspace = 0

  var truncated: String? { codec == .xz ? "XZ-compressed data is corrupt" : nil }
  var needed: Int { isChecked ? 1 : 8 }

  func step(
    _ input: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
  ) throws(Decoder.Failure) -> Decoder.Step {
    if let pending { throw pending }
    if !isChecked {
      guard input.count >= 8 else { return Decoder.Step() }
      try refuseOtherChecks(input[7])
      isChecked = true
    }
    stream.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.avail_in = input.count
    stream.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.avail_out = output.count

    let result = lzma_code(&stream, LZMA_RUN)
    guard result == LZMA_OK || result == LZMA_STREAM_END || result == LZMA_BUF_ERROR else {
      throw failure(result)
    }
    workspace = max(workspace, Int(clamping: lzma_memusage(&stream)))
    return Decoder.Step(
      taken: input.count - stream.avail_in, made: output.count - stream.avail_out,
      isEnd: result == LZMA_STREAM_END)
  }

  /// lib/xz/xz_dec_stream.c, `dec_stream_header`: `XZ_CHECK_CRC32` is the last that it knows.
  private func refuseOtherChecks(_ check: UInt8) throws(Decoder.Failure) {
    guard check > UInt8(LZMA_CHECK_CRC32.rawValue) else { return }
    let name =
      switch UInt32(check) {
      case LZMA_CHECK_CRC64.rawValue: "crc64"
      case LZMA_CHECK_SHA256.rawValue: "sha256"
      default: "number \(check)"
      }
    throw Decoder.Failure(
      found: "xz with check \(name)", expected: "check crc32 or none (xz --check=crc32)",
      kernelMessage: LZMADecoder.unsupported)
  }

  private static let unsupported =
    "Input was encoded with settings that are not supported by this XZ decoder"

  private func failure(_ result: lzma_ret) -> Decoder.Failure {
    let isXZ = codec == .xz
    switch result {
    case LZMA_MEMLIMIT_ERROR, LZMA_MEM_ERROR:
      return Decoder.Failure(
        found: "\(codec) with a dictionary above \(Decoder.memoryLimit >> 20) MiB",
        expected: "a smaller one")
    case LZMA_OPTIONS_ERROR:
      return Decoder.Failure(
        found: "\(codec) with unknown settings", expected: "settings that the kernel knows",
        kernelMessage: isXZ ? LZMADecoder.unsupported : "bad header")
    case LZMA_FORMAT_ERROR:
      return Decoder.Failure(
        found: "no \(codec) header", expected: "whole \(codec) data",
        kernelMessage: isXZ ? "Input is not in the XZ format (wrong magic bytes)" : "bad header")
    default:
      return Decoder.Failure(
        found: "damaged \(codec) data", expected: "whole \(codec) data",
        kernelMessage: isXZ ? "XZ-compressed data is corrupt" : "LZMA data is corrupt")
    }
  }
}
