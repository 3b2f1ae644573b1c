// SPDX-License-Identifier: MIT

public import Compression
import TestSupport

/// The compressors' commands, so that the kernel takes what they write.
private let commands: [(codec: Codec, command: [String])] = [
  (.gzip, ["gzip", "-c"]), (.bzip2, ["bzip2", "-c"]), (.lzma, ["xz", "-c", "--format=lzma"]),
  (.xz, ["xz", "-c", "--check=crc32"]), (.lzo, ["lzop", "-c"]), (.lz4, ["lz4", "-lc"]),
  (.zstd, ["zstd", "-qc"]),
]

/// `bytes` as a member in `codec`.
public func encoded(_ bytes: [UInt8], _ codec: Codec) throws -> [UInt8] {
  guard let command = commands.first(where: { $0.codec == codec })?.command else { return bytes }
  return try Command(command, input: bytes).output()
}

/// `bytes` through a filter of the field, as `gzip -c`.
public func filter(_ bytes: [UInt8], _ command: String...) throws -> [UInt8] {
  try Command(command, input: bytes).output()
}
