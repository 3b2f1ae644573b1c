// SPDX-License-Identifier: MIT

import CCodecs

/// lib/decompress_bunzip2.c: one stream.
final class Bzip2Decoder: Backend {
  // libbz2 keeps the address and compares it.
  private let stream = UnsafeMutablePointer<bz_stream>.allocate(capacity: 1)

  // A fault, held back until the output before it has been handed over.
  private var pending: Decoder.Failure?

  let truncated: StaticString? = nil
  /// Four bytes for each byte of a block of 900 kB.
  let workspace = 3_600_000

  init() throws(Decoder.Failure) {
    stream.initialize(to: bz_stream())
    guard BZ2_bzDecompressInit(stream, 0, 0) == BZ_OK else { throw .outOfMemory }
  }

  deinit {
    BZ2_bzDecompressEnd(stream)
    stream.deallocate()
  }

  func step(
    _ input: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
  ) throws(Decoder.Failure) -> Decoder.Step {
    if let pending { throw pending }
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: input.baseAddress?.assumingMemoryBound(to: CChar.self))
    stream.pointee.avail_in = UInt32(input.count)
    stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: CChar.self)
    stream.pointee.avail_out = UInt32(output.count)

    let result = BZ2_bzDecompress(stream)
    guard result == BZ_OK || result == BZ_STREAM_END else {
      let failure = Bzip2Decoder.failure(result)
      guard Int(stream.pointee.avail_out) < output.count else { throw failure }
      pending = failure
      return Decoder.Step(
        taken: input.count - Int(stream.pointee.avail_in),
        made: output.count - Int(stream.pointee.avail_out))
    }
    return Decoder.Step(
      taken: input.count - Int(stream.pointee.avail_in),
      made: output.count - Int(stream.pointee.avail_out), isEnd: result == BZ_STREAM_END)
  }

  private static func failure(_ result: Int32) -> Decoder.Failure {
    switch result {
    case BZ_MEM_ERROR: .outOfMemory
    case BZ_DATA_ERROR_MAGIC:
      Decoder.Failure(found: "no bzip2 header", expected: "whole bzip2 data")
    default: Decoder.Failure(found: "damaged bzip2 data", expected: "whole bzip2 data")
    }
  }
}
