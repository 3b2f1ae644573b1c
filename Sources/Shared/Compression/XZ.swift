// SPDX-License-Identifier: MIT

import CCodecs

/// lib/decompress_unxz.c: one stream, with check crc32 or none, of blocks with LZMA2 and at most
/// one branch filter before it.
///
/// liblzma's own stream decoder accepts more checks and filters than the kernel, so this decodes
/// the parts of a stream itself: https://tukaani.org/xz/xz-file-format.txt.
final class XZDecoder: Backend {
  /// `LZMA_VLI_UNKNOWN`, a macro: the end of a list of filters.
  private static let noFilter = lzma_vli.max
  private static let lzma2: lzma_vli = 0x21
  /// The branch filters that Debian's kernels for x86 are built with: those of x86 and arm64
  /// (`CONFIG_XZ_DEC_X86`, `CONFIG_XZ_DEC_ARM64`).
  ///
  /// lib/xz/Kconfig has others: powerpc, arm, armthumb, sparc, from 6.12 on riscv
  /// (`CONFIG_XZ_DEC_RISCV`). Members with one of these are not decoded here, on any architecture.
  private let branches: [lzma_vli]

  private enum Stage { case header, blockHeader, block, index, footer }

  let truncated: StaticString? = "XZ-compressed data is corrupt"
  private(set) var workspace = 0
  private(set) var needed = Int(LZMA_STREAM_HEADER_SIZE)

  private var stage = Stage.header
  private var flags = lzma_stream_flags()
  private var stream = lzma_stream()
  // liblzma keeps pointers to both while it decodes a block.
  private let block = UnsafeMutablePointer<lzma_block>.allocate(capacity: 1)
  private let filters = UnsafeMutablePointer<lzma_filter>.allocate(
    capacity: Int(LZMA_FILTERS_MAX) + 1)
  private let index = lzma_index_hash_init(nil, nil)
  // A fault, held back until the output before it has been handed over, as in the kernel.
  private var pending: Decoder.Failure?

  init(_ rules: Decoder.Rules) throws(Decoder.Failure) {
    branches = rules.hasARM64Filter ? [0x04, 0x0A] : [0x04]
    block.initialize(to: lzma_block())
    filters.initialize(
      repeating: lzma_filter(id: XZDecoder.noFilter, options: nil),
      count: Int(LZMA_FILTERS_MAX) + 1)
    guard index != nil else { throw .outOfMemory }
  }

  deinit {
    lzma_end(&stream)
    lzma_index_hash_end(index, nil)
    lzma_filters_free(filters, nil)
    filters.deallocate()
    block.deallocate()
  }

  func step(
    _ input: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
  ) throws(Decoder.Failure) -> Decoder.Step {
    if let pending { throw pending }
    guard let bytes = input.baseAddress?.assumingMemoryBound(to: UInt8.self),
      input.count >= needed
    else { return Decoder.Step() }
    switch stage {
    case .header: return try header(bytes)
    case .blockHeader: return try blockHeader(bytes, input.count)
    case .block: return try content(bytes, input.count, into: output)
    case .index: return try index(bytes, input.count)
    case .footer: return try footer(bytes)
    }
  }

  // MARK: The parts of a stream

  /// `dec_stream_header`: `XZ_CHECK_CRC32` is the last check that the kernel knows.
  private func header(_ bytes: UnsafePointer<UInt8>) throws(Decoder.Failure) -> Decoder.Step {
    try succeed(lzma_stream_header_decode(&flags, bytes))
    guard flags.check.rawValue <= LZMA_CHECK_CRC32.rawValue else {
      throw unsupportedCheck
    }
    enter(.blockHeader, needed: 1)
    return Decoder.Step(taken: Int(LZMA_STREAM_HEADER_SIZE))
  }

  private func blockHeader(
    _ bytes: UnsafePointer<UInt8>, _ count: Int
  ) throws(Decoder.Failure) -> Decoder.Step {
    // A block header's size is never 0; a 0 begins the index.
    guard bytes[0] != 0 else {
      enter(.index, needed: 1)
      return try index(bytes, count)
    }
    let size = (Int(bytes[0]) + 1) * 4
    needed = size
    guard count >= size else { return Decoder.Step() }

    lzma_filters_free(filters, nil)
    block.pointee = lzma_block()
    block.pointee.version = 1
    block.pointee.header_size = UInt32(size)
    block.pointee.check = flags.check
    block.pointee.filters = filters
    try succeed(lzma_block_header_decode(block, nil, bytes))
    try checkFilters()
    try succeed(lzma_block_decoder(&stream, block))
    enter(.block, needed: 1)
    return Decoder.Step(taken: size)
  }

  /// `dec_block_header` and `xz_dec_bcj_reset`.
  private func checkFilters() throws(Decoder.Failure) {
    var last = 0
    while last < 4, filters[last + 1].id != XZDecoder.noFilter { last += 1 }
    let isBranch = branches.contains(filters[0].id) && filters[0].options == nil
    let isKnown = filters[last].id == XZDecoder.lzma2 && (last == 0 || last == 1 && isBranch)
    guard isKnown else {
      throw unsupported(
        "xz with other filters",
        expected: branches.count > 1
          ? "LZMA2, at most with x86 or arm64 before it" : "LZMA2, at most with x86 before it")
    }
    let memory = lzma_raw_decoder_memusage(filters)
    workspace = max(workspace, Int(clamping: memory))
    // liblzma counts its own state, too.
    guard memory <= UInt64(Decoder.memoryLimit + (1 << 20)) else {
      throw Decoder.Failure(
        found: "xz with a dictionary above 256 MiB", expected: "a smaller one")
    }
  }

  private func content(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, into output: UnsafeMutableRawBufferPointer
  ) throws(Decoder.Failure) -> Decoder.Step {
    stream.next_in = bytes
    stream.avail_in = count
    stream.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.avail_out = output.count

    let result = lzma_code(&stream, LZMA_RUN)
    let step = Decoder.Step(
      taken: count - stream.avail_in, made: output.count - stream.avail_out)
    switch result {
    case LZMA_OK, LZMA_BUF_ERROR: break
    case LZMA_STREAM_END:
      try succeed(
        lzma_index_hash_append(
          index, lzma_block_unpadded_size(block), block.pointee.uncompressed_size))
      enter(.blockHeader, needed: 1)
    default:
      let failure: Decoder.Failure = result == LZMA_MEM_ERROR ? .outOfMemory : damaged
      guard step.made > 0 else { throw failure }
      pending = failure
    }
    return step
  }

  private func index(
    _ bytes: UnsafePointer<UInt8>, _ count: Int
  ) throws(Decoder.Failure) -> Decoder.Step {
    var taken = 0
    let result = lzma_index_hash_decode(index, bytes, &taken, count)
    if result == LZMA_STREAM_END {
      enter(.footer, needed: Int(LZMA_STREAM_HEADER_SIZE))
    } else if result != LZMA_BUF_ERROR {
      try succeed(result)
    }
    return Decoder.Step(taken: taken)
  }

  /// `dec_stream_footer`.
  private func footer(_ bytes: UnsafePointer<UInt8>) throws(Decoder.Failure) -> Decoder.Step {
    var end = lzma_stream_flags()
    try succeed(lzma_stream_footer_decode(&end, bytes))
    flags.backward_size = lzma_index_hash_size(index)
    try succeed(lzma_stream_flags_compare(&flags, &end))
    return Decoder.Step(taken: Int(LZMA_STREAM_HEADER_SIZE), isEnd: true)
  }

  // MARK: Faults

  private func enter(_ stage: Stage, needed: Int) {
    self.stage = stage
    self.needed = needed
  }

  private func succeed(_ result: lzma_ret) throws(Decoder.Failure) {
    switch result {
    case LZMA_OK: return
    case LZMA_MEM_ERROR: throw .outOfMemory
    case LZMA_OPTIONS_ERROR:
      throw unsupported("xz with unknown settings", expected: "settings that the kernel knows")
    case LZMA_FORMAT_ERROR where stage == .header:
      throw Decoder.Failure(
        found: "no xz header", expected: "whole xz data",
        kernelMessage: "Input is not in the XZ format (wrong magic bytes)")
    default: throw damaged
    }
  }

  private var damaged: Decoder.Failure {
    Decoder.Failure(
      found: "damaged xz data", expected: "whole xz data",
      kernelMessage: "XZ-compressed data is corrupt")
  }

  private var unsupportedCheck: Decoder.Failure {
    let expected: StaticString = "check crc32 or none (xz --check=crc32)"
    return switch flags.check {
    case LZMA_CHECK_CRC64: unsupported("xz with check crc64", expected: expected)
    case LZMA_CHECK_SHA256: unsupported("xz with check sha256", expected: expected)
    default:
      unsupported(
        "xz with an unknown check", .number(Int(flags.check.rawValue)), expected: expected)
    }
  }

  private func unsupported(
    _ found: StaticString, _ detail: Decoder.Failure.Detail = .none, expected: StaticString
  ) -> Decoder.Failure {
    Decoder.Failure(
      found: found, detail: detail, expected: expected,
      kernelMessage: "Input was encoded with settings that are not supported by this XZ decoder")
  }
}
