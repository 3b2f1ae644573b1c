// SPDX-License-Identifier: MIT

/// What an image turned out to be.
public struct ImageSummary: Equatable, Sendable {
  /// The members, in order; the one that was refused is the last.
  public var members: [Member] = []
  /// Bytes of padding between members and behind the last.
  public var padding: Int64 = 0
  /// Why the kernel would stop; nil if it takes all of the image.
  public var refusal: Refusal?
  /// What is wrong with a sidecar: reading has ended there.
  public var sidecarFault: SidecarFault?
  /// Where the record begins inside which the image ends, in a raw archive; nil if it does not.
  /// The kernel says nothing of that.
  public var cutRecord: Int64?
  /// Bytes of the image.
  public var size: Int64

  /// A reading of an image of `size` bytes.
  public init(size: Int64 = 0) { self.size = size }

  /// The image ends inside a record of a raw archive.
  public var isCutShort: Bool { cutRecord != nil }
}
