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

/// The period in which the kernel copied a payload's files. Tells which entries of the same file
/// system were written later.
///
/// An image after the payload can write to a file of an image before it. That file keeps its inode;
/// only its change time is new. If everything happened within one clock tick, the inode number
/// decides: tmpfs numbers inodes in order of creation (mm/shmem.c, shmem_reserve_inode()).
public struct CopyPeriod: Sendable {
  private var first: Moment?
  private var last: Moment?

  /// Whether the directories and symbolic links that the kernel made between the payload's files
  /// are all in the payload, too.
  var hasSkeleton = false

  /// The smallest inode number of the payload's files.
  private var firstInode = UInt64.max

  /// The largest inode number of the payload's files.
  package private(set) var lastInode: UInt64 = 0

  public init() {}

  /// Adds one of the payload's files.
  package mutating func add(_ status: Status) {
    first = min(first ?? status.changed, status.changed)
    last = max(last ?? status.changed, status.changed)
    firstInode = min(firstInode, status.inode)
    lastInode = max(lastInode, status.inode)
  }

  /// Whether the payload has an entry as well, which the kernel made with the payload.
  func hasInPayload(_ status: Status) -> Bool {
    hasSkeleton && (status.isDirectory || status.isSymbolicLink)
      && firstInode < status.inode && status.inode <= lastInode
  }

  /// Whether the kernel wrote an entry after the payload. Not valid for directories: their times
  /// change with their entries, and after the last image (init/initramfs.c, dir_utime()).
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

/// The entries that are moved before a payload is unpacked: those the kernel wrote before it, except
/// for those that the payload has, too.
public struct Selection: Sendable {
  let period: CopyPeriod

  /// The inode number of the directory that holds all payloads, which stays.
  let holder: UInt64

  func includes(_ status: Status) -> Bool {
    if period.hasInPayload(status) { return false }
    if !status.isDirectory { return !period.precedes(status) }
    return status.inode != holder && status.inode <= period.lastInode
  }
}
