// SPDX-License-Identifier: MIT

/// What an image turned out to be.
public struct ImageSummary: Equatable, Sendable {
  /// The members, in order; a refused one is the last.
  public var members: [Member] = []
  /// Bytes of padding between members and after the last.
  public var padding: Int64 = 0
  /// Why the kernel would stop; nil if it accepts the whole image.
  public var refusal: Refusal?
  /// What is wrong with a sidecar; reading ended there.
  public var sidecarFault: SidecarFault?
  /// The offset of the raw archive's record in which the image ends; nil if it does not end in one.
  /// The kernel does not report this.
  public var cutRecord: Int64?
  /// The size of the image, in bytes.
  public var size: Int64

  /// The summary of an image of `size` bytes that has not been read yet.
  public init(size: Int64 = 0) { self.size = size }

  /// Whether the image ends inside a record of a raw archive.
  public var isCutShort: Bool { cutRecord != nil }
}
