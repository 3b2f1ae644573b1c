// SPDX-License-Identifier: MIT

public import Newc

/// One record of an image.
public struct Record: Equatable, Sendable {
  /// The file, as the kernel understands the header.
  public var entry: Entry
  /// The target of a symbolic link.
  public var target: [UInt8]
  /// Bytes from the start of the member's newc to the header; in a raw member from the start of
  /// the image.
  public var offset: UInt64
  /// Whether the header has a sum of the data.
  public var isSummed: Bool
  /// What its sidecar says; nil if nothing.
  public var extra: Extra?
}

extension Record {
  /// The size of a regular file, including its holes.
  public var fileSize: UInt64 { extra?.sparse?.size ?? entry.size }
}
