// SPDX-License-Identifier: MIT

/// A time of day, in seconds since 1970.
struct Moment: Comparable {
  var seconds: Int64
  var nanoseconds: UInt32

  static func < (one: Moment, other: Moment) -> Bool {
    one.seconds != other.seconds
      ? one.seconds < other.seconds : one.nanoseconds < other.nanoseconds
  }
}

/// From when to when the kernel copied the files of a payload. Tells which entries of the same file
/// system it wrote after them.
///
/// An image behind the payload can write to a file of an image before it, which keeps its inode:
/// only the time of its change is new. tmpfs numbers its inodes in the order in which they are made
/// (mm/shmem.c, shmem_reserve_inode()): the number tells what is new where all happened within one
/// tick of the clock.
public struct CopyPeriod: Sendable {
  private var first: Moment?
  private var last: Moment?

  /// The largest inode number of the payload's files.
  package private(set) var lastInode: UInt64 = 0

  public init() {}

  /// Adds one of the payload's files.
  package mutating func add(_ status: Status) {
    first = min(first ?? status.changed, status.changed)
    last = max(last ?? status.changed, status.changed)
    lastInode = max(lastInode, status.inode)
  }

  /// Whether the kernel wrote an entry after the payload. Not for directories: their times change
  /// with their entries, and at the end of all images (init/initramfs.c, dir_utime()).
  func precedes(_ status: Status) -> Bool {
    guard let first, let last else { return false }
    if first < last && status.changed >= last { return true }
    return status.changed > last || status.inode > lastInode
  }

  /// Whether another payload was copied after this one.
  public func precedes(_ other: CopyPeriod) -> Bool {
    guard let last, let otherLast = other.last, last != otherLast else {
      return lastInode < other.lastInode
    }
    return last < otherLast
  }
}

/// The entries of a tree that are moved before a payload is unpacked: what the kernel wrote before
/// it.
public struct Selection: Sendable {
  let period: CopyPeriod

  /// The inode number of the directory of all payloads, which stays.
  let holder: UInt64

  func includes(_ status: Status) -> Bool {
    if !status.isDirectory { return !period.precedes(status) }
    return status.inode != holder && status.inode <= period.lastInode
  }
}
