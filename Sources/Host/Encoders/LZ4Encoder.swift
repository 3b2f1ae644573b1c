// SPDX-License-Identifier: MIT

import CCodecs

/// The legacy frame of lz4(1), the only one that the kernel reads (lib/decompress_unlz4.c): a magic
/// number, then blocks of 8 MiB, each preceded by its compressed size.
final class LZ4Encoder: EncoderBackend {
  private static let blockSize = 8 << 20
  private let level: Int32
  private var block: [UInt8] = []
  private var isStarted = false

  init(_ level: Int) { self.level = Int32(level) }

  func encode(
    _ bytes: UnsafeRawBufferPointer, isLast: Bool, into output: inout [UInt8]
  ) throws(EncodingFailure) {
    if !isStarted { output += [0x02, 0x21, 0x4C, 0x18] }
    isStarted = true
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = min(rest.count, Self.blockSize - block.count)
      block.append(contentsOf: rest.prefix(count))
      rest = rest.dropFirst(count)
      if block.count == Self.blockSize { try flush(into: &output) }
    }
    if isLast, !block.isEmpty { try flush(into: &output) }
  }

  private func flush(into output: inout [UInt8]) throws(EncodingFailure) {
    let bound = Int(LZ4_compressBound(Int32(block.count)))
    let start = output.count
    output.append(contentsOf: repeatElement(0, count: 4 + bound))
    let count = block.withUnsafeBytes { block in
      output.withUnsafeMutableBytes { output in
        LZ4_compress_HC(
          block.baseAddress!.assumingMemoryBound(to: CChar.self),
          (output.baseAddress! + start + 4).assumingMemoryBound(to: CChar.self),
          Int32(block.count), Int32(bound), level)
      }
    }
    guard count > 0 else { throw EncodingFailure(reason: "LZ4_compress_HC failed") }
    for byte in 0..<4 { output[start + byte] = UInt8(truncatingIfNeeded: count >> (8 * byte)) }
    output.removeLast(bound - Int(count))
    block.removeAll(keepingCapacity: true)
  }
}
