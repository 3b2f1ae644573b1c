// SPDX-License-Identifier: MIT

public import Compression
public import Newc

/// Where the kernel stops, and why: `Initramfs unpacking failed: …`.
public struct Refusal: Equatable, Sendable {
  /// What is wrong.
  public enum Fault: Equatable, Sendable {
    /// A record. `takesSums`: the kernel knows 070702.
    case record(Reader.Malformed.Reason, takesSums: Bool)
    /// These bytes begin no member.
    case magic([UInt8])
    /// In a compressed member comes neither a record nor padding.
    case junk
    /// A compressed member ends inside a record.
    case unfinishedRecord(Codec)
    /// The compressed member at this offset; or there is no memory to decode it.
    case member(Codec, at: Int64, Decoder.Failure)
  }

  /// Bytes from the start of the image; inside a compressed member to its beginning.
  public var offset: Int64
  /// Bytes from the start of the member's newc, if the fault lies there.
  public var unpackedOffset: UInt64?
  public var fault: Fault

  /// There is no memory to decode a member: that is not the image's fault.
  public var isOutOfMemory: Bool {
    if case .member(_, _, let failure) = fault { failure.isOutOfMemory } else { false }
  }

  init(offset: Int64, unpackedOffset: UInt64? = nil, fault: Fault) {
    self.offset = offset
    self.unpackedOffset = unpackedOffset
    self.fault = fault
  }
}
