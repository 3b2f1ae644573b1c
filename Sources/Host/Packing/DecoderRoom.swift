// SPDX-License-Identifier: MIT

import Compression

/// Returns the size of the window and tables of a member's decoder, in bytes; 0 if it is raw.
func decoderRoom(of member: [UInt8]) -> Int {
  guard let codec = Codec(magicOf: member), codec != .raw, let decoder = try? Decoder(codec) else {
    return 0
  }
  let output = UnsafeMutableRawBufferPointer.allocate(
    byteCount: decoder.outputSize, alignment: 64)
  defer { output.deallocate() }

  // The first bytes of the member determine the size.
  var start = 0
  while decoder.workspace == 0 {
    let step = member.withUnsafeBytes { member in
      let input = UnsafeRawBufferPointer(rebasing: member[start...].prefix(64 << 10))
      return try? decoder.step(input, isLast: start + input.count == member.count, into: output)
    }
    guard let step, step.made == 0, !step.isEnd else { break }
    start += step.taken
  }
  return decoder.workspace
}
