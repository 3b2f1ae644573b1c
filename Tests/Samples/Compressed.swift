// SPDX-License-Identifier: MIT

public import Compression
import OddImages
import TestSupport

/// `bytes` as a member in `codec`, by its compressor's command: the kernel takes what that writes.
public func encoded(_ bytes: [UInt8], _ codec: Codec) throws -> [UInt8] {
  try Compressor(rawValue: "\(codec)")?.compress(bytes) ?? bytes
}

/// `bytes` through a filter of the field, as `gzip -c`.
public func filter(_ bytes: [UInt8], _ command: String...) throws -> [UInt8] {
  try Command(command, input: bytes).output()
}
