// SPDX-License-Identifier: MIT

public import Compression
public import Newc

/// Where the kernel stops, and why: `Initramfs unpacking failed: …`.
public struct Refusal: Equatable, Sendable {
  /// What is wrong.
  public enum Fault: Equatable, Sendable {
    /// A record is malformed. `takesSums`: the kernel knows 070702.
    case record(Reader.Malformed.Reason, takesSums: Bool)
    /// These bytes do not begin a member.
    case magic([UInt8])
    /// A compressed member contains something that is neither a record nor padding.
    case junk
    /// A compressed member ends inside a record.
    case unfinishedRecord(Codec)
    /// The compressed member at this offset cannot be decoded, perhaps for lack of memory.
    case member(Codec, at: Int64, Decoder.Failure)
  }

  /// The offset in the image, in bytes; for a fault inside a compressed member, the member's
  /// offset.
  public var offset: Int64
  /// The offset in the member's newc, in bytes, if the fault is there.
  public var unpackedOffset: UInt64?
  public var fault: Fault

  /// Whether there is no memory to decode a member, which is not the image's fault.
  public var isOutOfMemory: Bool {
    if case .member(_, _, let failure) = fault { failure.isOutOfMemory } else { false }
  }

  init(offset: Int64, unpackedOffset: UInt64? = nil, fault: Fault) {
    self.offset = offset
    self.unpackedOffset = unpackedOffset
    self.fault = fault
  }
}
