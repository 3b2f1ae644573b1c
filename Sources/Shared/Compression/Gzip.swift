// SPDX-License-Identifier: MIT

import CCodecs

/// lib/decompress_inflate.c: ten bytes, a name if there is one, deflate, eight bytes unread.
final class GzipDecoder: Backend {
  private enum Stage { case header, name, data, trailer }

  // zlib keeps the address and compares it.
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private var stage = Stage.header
  // A fault, held back until the output before it has been handed over, as in the kernel's gunzip.
  private var pending: Decoder.Failure?
  private var crc: UInt = crc32(0, nil, 0)
  private var count: UInt32 = 0
  private var expected: (crc: UInt32, count: UInt32)?

  var isCheckWrong: Bool {
    guard let expected else { return false }
    return crc != expected.crc || count != expected.count
  }

  let hasCheck = true
  let truncated: StaticString? = "read error"
  /// 32 KiB of window, 32 KiB of output, tables.
  let workspace = 80 << 10

  init() throws(Decoder.Failure) {
    stream.initialize(to: z_stream())
    guard leafroot_inflate_init(stream) == Z_OK else { throw .outOfMemory }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  var needed: Int {
    switch stage {
    case .header: 10
    case .name, .data: 1
    case .trailer: 8
    }
  }

  func step(
    _ input: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
  ) throws(Decoder.Failure) -> Decoder.Step {
    if let pending { throw pending }
    switch stage {
    case .header: return try header(input)
    case .name: return name(input)
    case .data: return try inflate(input, into: output)
    case .trailer: return trailer(input)
    }
  }

  /// The other flags (FHCRC, FEXTRA, FCOMMENT) announce fields that the kernel takes for data.
  private func header(_ input: UnsafeRawBufferPointer) throws(Decoder.Failure) -> Decoder.Step {
    guard input.count >= 10 else { return Decoder.Step() }
    guard input[1] == 0x8B, input[2] == 8 else {
      throw Decoder.Failure(
        found: "another format or method of gzip", expected: "gzip with deflate (1f 8b 08)",
        kernelMessage: "Not a gzip file")
    }
    stage = input[3] & 8 == 0 ? .data : .name
    return Decoder.Step(taken: 10)
  }

  private func name(_ input: UnsafeRawBufferPointer) -> Decoder.Step {
    guard let end = input.firstIndex(of: 0) else { return Decoder.Step(taken: input.count) }
    stage = .data
    return Decoder.Step(taken: end + 1)
  }

  private func inflate(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(Decoder.Failure) -> Decoder.Step {
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(input.count)
    stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = UInt32(output.count)

    let result = CCodecs.inflate(stream, Z_NO_FLUSH)
    let made = output.count - Int(stream.pointee.avail_out)
    if result != Z_OK, result != Z_STREAM_END, result != Z_BUF_ERROR {
      let failure = failure(result)
      guard made > 0 else { throw failure }
      pending = failure
    }
    if result == Z_STREAM_END { stage = .trailer }
    return Decoder.Step(taken: input.count - Int(stream.pointee.avail_in), made: made)
  }

  private func failure(_ result: Int32) -> Decoder.Failure {
    guard result != Z_MEM_ERROR else { return .outOfMemory }
    return Decoder.Failure(
      found: "damaged gzip data",
      detail: stream.pointee.msg.map { .library(Decoder.Failure.Sentence($0)) }
        ?? .number(Int(result)),
      expected: "whole gzip data", kernelMessage: "uncompression error")
  }

  func check(_ bytes: UnsafeRawBufferPointer) {
    crc = crc32_z(crc, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
    count &+= UInt32(truncatingIfNeeded: bytes.count)
  }

  private func trailer(_ input: UnsafeRawBufferPointer) -> Decoder.Step {
    guard input.count >= 8 else { return Decoder.Step() }
    expected = (input.littleEndian32(at: 0), input.littleEndian32(at: 4))
    return Decoder.Step(taken: 8, isEnd: true)
  }
}
