// SPDX-License-Identifier: MIT

import CCodecs

/// zlib.h: deflate, with a gzip header without name and time.
final class GzipEncoder: EncoderBackend {
  private var stream = z_stream()
  private var buffer = [UInt8](repeating: 0, count: 64 << 10)

  init(_ level: Int) throws(EncodingFailure) {
    guard leafroot_deflate_init(&stream, Int32(level)) == Z_OK else {
      throw EncodingFailure(reason: "no memory for gzip")
    }
  }

  deinit { deflateEnd(&stream) }

  func encode(
    _ bytes: UnsafeRawBufferPointer, isLast: Bool, into output: inout [UInt8]
  ) throws(EncodingFailure) {
    var rest = bytes[...]
    repeat {
      // avail_in has 32 bits.
      let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
      rest = rest.dropFirst(piece.count)
      stream.next_in = UnsafeMutablePointer(
        mutating: piece.baseAddress?.assumingMemoryBound(to: UInt8.self))
      stream.avail_in = UInt32(piece.count)
      try drain(isLast && rest.isEmpty ? Z_FINISH : Z_NO_FLUSH, into: &output)
    } while !rest.isEmpty
  }

  private func drain(_ flush: Int32, into output: inout [UInt8]) throws(EncodingFailure) {
    while true {
      let result = buffer.withUnsafeMutableBufferPointer { buffer in
        stream.next_out = buffer.baseAddress
        stream.avail_out = UInt32(buffer.count)
        return deflate(&stream, flush)
      }
      output.append(contentsOf: buffer[..<(buffer.count - Int(stream.avail_out))])
      if result == Z_STREAM_END || stream.avail_out > 0 { return }
      guard result == Z_OK else { throw EncodingFailure(reason: "deflate: error \(result)") }
    }
  }
}
