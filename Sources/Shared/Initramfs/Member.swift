// SPDX-License-Identifier: MIT

public import Compression

/// One piece of an image: a raw archive up to its trailer, or a compressed member.
public struct Member: Equatable, Sendable {
  /// Bytes from the start of the image to its first byte.
  public var offset: Int64
  /// Bytes in the image, without the padding between members.
  public var size: Int64 = 0
  /// How it is encoded.
  public var codec: Codec
  /// The size after decoding, in bytes.
  public var unpackedSize: UInt64 = 0
  /// Records, without the trailer.
  public var entries = 0
  /// Whether the check at the end of a gzip or lzop member is wrong, which no kernel notices.
  public var isCheckWrong = false
  /// The memory that the kernel's decompressor takes for the member, in bytes.
  public var workspace = 0

  /// A member that begins at `offset`.
  public init(offset: Int64, codec: Codec) {
    self.offset = offset
    self.codec = codec
  }
}
