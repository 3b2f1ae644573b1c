// SPDX-License-Identifier: MIT

public import Compression
import OddImages
import TestSupport

/// Compresses `bytes` with the command for `codec`, whose output the kernel accepts.
public func encoded(_ bytes: [UInt8], _ codec: Codec) throws -> [UInt8] {
  try Compressor(rawValue: "\(codec)")?.compress(bytes) ?? bytes
}

/// Passes `bytes` through a filter program such as `gzip -c`.
public func filter(_ bytes: [UInt8], _ command: String...) throws -> [UInt8] {
  try Command(command, input: bytes).output()
}
