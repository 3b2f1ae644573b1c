// SPDX-License-Identifier: MIT

public import Newc

/// A piece of an initramfs that LeafRoot makes: one raw newc archive, ready to be put before an
/// image or given to the boot loader as an `initrd` of its own.
///
/// Raw, because the kernel's early search for x86 microcode (lib/earlycpio.c) walks on over raw
/// archives, trailers and padding, but stops at a compressed one.
public struct Segment: Equatable, Sendable {
  /// A segment's length is a multiple of this, so that whatever follows is as aligned as it was.
  public static let alignment = 512

  /// The archive, with its trailer and zero bytes up to a multiple of ``alignment``.
  public let bytes: [UInt8]

  /// An archive of `records`, in that order.
  /// - Throws: `Writer.Refusal` for what newc cannot say.
  public init(_ records: [(entry: Entry, data: [UInt8])]) throws(Writer.Refusal) {
    var bytes: [UInt8] = []
    var writer = Writer()
    for record in records {
      try writer.append(record.entry, data: record.data, to: &bytes)
    }
    writer.appendTrailer(to: &bytes)
    let excess = bytes.count % Segment.alignment
    if excess > 0 {
      bytes.append(contentsOf: repeatElement(0, count: Segment.alignment - excess))
    }
    self.bytes = bytes
  }

  /// The leaf segment: nothing but `/leafroot`, owned by root, mode 0755.
  ///
  /// - Parameters:
  ///   - program: The PID 1.
  ///   - modificationTime: Seconds since 1970; the same inputs give the same bytes.
  public static func leaf(_ program: GuestInit, modificationTime: UInt32 = 0) -> Segment {
    let entry = Entry(
      name: Array(ImageFile.leafName.utf8), mode: Entry.FileType.regular.rawValue | 0o755,
      modificationTime: modificationTime)
    do {
      return try Segment([(entry, program.bytes)])
    } catch {
      preconditionFailure("a fixed name and at most 16 MiB are within newc's limits: \(error)")
    }
  }
}
