// SPDX-License-Identifier: MIT

import Images
public import Newc

/// The part of an initramfs that LeafRoot creates: a raw newc archive to be prepended to an image
/// or loaded as a separate `initrd`.
///
/// It is raw because the kernel's early search for x86 microcode (lib/earlycpio.c) continues past
/// raw archives, trailers and padding, but stops at a compressed member.
public struct Segment: Equatable, Sendable {
  /// The size of a segment is a multiple of this, which preserves the alignment of the image.
  public static let alignment = 512

  /// The archive, with its trailer and zero bytes up to a multiple of ``alignment``.
  public let bytes: [UInt8]

  /// Creates an archive of `records`, in that order.
  /// - Throws: `Writer.Refusal` for entries that newc cannot hold.
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

  /// Returns the leaf segment: only `/leafroot`, owned by root, mode 0755.
  ///
  /// - Parameters:
  ///   - program: The program that becomes PID 1.
  ///   - modificationTime: Seconds since 1970; the same inputs give the same bytes.
  public static func leaf(_ program: GuestInit, modificationTime: UInt32 = 0) -> Segment {
    let entry = Entry(
      name: Array(Image.leafName.utf8), mode: Entry.FileType.regular.rawValue | 0o755,
      modificationTime: modificationTime)
    do {
      return try Segment([(entry, program.bytes)])
    } catch {
      preconditionFailure("a fixed name and at most 16 MiB are within newc's limits: \(error)")
    }
  }
}
