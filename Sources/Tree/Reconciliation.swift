// SPDX-License-Identifier: MIT

import CLinux

/// Makes two trees fit to become one: what the kernel has unpacked beside a payload, `rest`, and
/// the tree that has come of the payload. Of each name that both have, one entry stays, that which
/// the kernel would have made last, had it unpacked all; only directories stay in both.
///
/// tmpfs numbers its inodes in the order in which they are made (mm/shmem.c,
/// shmem_reserve_inode()), so that the numbers tell what came before the payload, and what after
/// it. ramfs does, too, but for blocks of 1,024 numbers for each processor (fs/inode.c,
/// get_next_ino()).
public struct Reconciliation {
  /// The inode number of the payload's last file.
  private let mark: UInt64

  /// The kernel has made all directories of the tree in `rest`, too, before the payload's files:
  /// owners and permissions there are the last word.
  private let hasAllDirectories: Bool

  private let skipped: [[CChar]]

  /// - Parameter skipped: entries of the root of `rest` that are left alone.
  public init(mark: UInt64, hasAllDirectories: Bool, skipping skipped: [StaticString]) {
    self.mark = mark
    self.hasAllDirectories = hasAllDirectories
    self.skipped = skipped.map { cName($0) }
  }

  /// Makes the directories that came before the payload in the tree, too, which is empty still: an
  /// image need not bring those that the kernel has, as /dev.
  public func plantDirectories(_ rest: Int32, _ tree: Int32) throws(Failure) {
    try plant(rest, tree, isRoot: true)
  }

  private func plant(_ rest: Int32, _ tree: Int32, isRoot: Bool) throws(Failure) {
    var names = try Listing(of: rest)
    while let name = try names.next() {
      if isRoot && skipped.contains(name) { continue }
      let status = try Status(of: name, in: rest)
      if !status.isDirectory || status.isMountRoot || status.inode > mark { continue }
      do throws(Failure) {
        try attempt("mkdir") { mkdirat(tree, name, 0o700) }
        try open(name, rest, tree) { (inner, outer) throws(Failure) in
          try plant(inner, outer, isRoot: false)
          try copyMetadata(from: inner, status, to: outer)
        }
      } catch { throw error.on(name) }
    }
  }

  /// Opens the directory `name` of both.
  private func open(
    _ name: [CChar], _ rest: Int32, _ tree: Int32, _ body: (Int32, Int32) throws(Failure) -> Void
  ) throws(Failure) {
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
    let inner = try attempt("open") { linux_openat(rest, name, flags, 0) }
    defer { closeQuietly(inner) }
    let outer = try attempt("open") { linux_openat(tree, name, flags, 0) }
    defer { closeQuietly(outer) }
    try body(inner, outer)
  }

  /// Works on the trees whose roots these are open on.
  public func run(_ rest: Int32, _ tree: Int32) throws(Failure) {
    try reconcile(rest, try Status(of: rest), tree, try Status(of: tree), isRoot: true)
  }

  private func reconcile(
    _ rest: Int32, _ restStatus: Status, _ tree: Int32, _ treeStatus: Status, isRoot: Bool = false
  ) throws(Failure) {
    var names = try Listing(of: rest)
    while let name = try names.next() {
      if isRoot && skipped.contains(name) { continue }
      do throws(Failure) { try decide(name, rest, tree) } catch { throw error.on(name) }
    }

    if hasAllDirectories || restStatus.inode > mark {
      try copyMetadata(from: rest, restStatus, to: tree)
    } else {
      try copyMetadata(from: tree, treeStatus, to: rest)
    }
    // The record that comes first sets a directory's times (init/initramfs.c, dir_utime()). It is in
    // front of the payload where that repeats it; but newc cannot carry all times, and the root has
    // changed since.
    let isInRest = hasAllDirectories && !isRoot && UInt32(exactly: treeStatus.modified) != nil
    let times = isInRest ? restStatus : treeStatus
    try setTimes(of: rest, times)
    try setTimes(of: tree, times)
  }

  private func decide(_ name: [CChar], _ rest: Int32, _ tree: Int32) throws(Failure) {
    let status = try Status(of: name, in: rest)
    guard !status.isMountRoot, let other = try entry(name, in: tree) else { return }

    if status.isDirectory && other.isDirectory {
      try descend(name, rest, status, tree, other)
    } else if status.inode > mark {
      if try !removeIfEmpty(name, other, in: tree) { try remove(name, in: rest) }
    } else {
      if try !removeIfEmpty(name, status, in: rest) { try remove(name, in: tree) }
    }
  }

  private func descend(
    _ name: [CChar], _ rest: Int32, _ status: Status, _ tree: Int32, _ other: Status
  ) throws(Failure) {
    try open(name, rest, tree) { (inner, outer) throws(Failure) in
      try reconcile(inner, status, outer, other)
    }
    // What is left in it moves.
    _ = try removeIfEmpty(name, status, in: rest)
  }

  private func entry(_ name: [CChar], in directory: Int32) throws(Failure) -> Status? {
    do throws(Failure) {
      return try Status(of: name, in: directory)
    } catch {
      if error.code == ENOENT { return nil }
      throw error
    }
  }

  /// The kernel removes what is in the way of an entry of another type, unless it is a directory
  /// that is not empty (init/initramfs.c, clean_path()). What something is mounted on stays, too.
  private func removeIfEmpty(
    _ name: [CChar], _ status: Status, in directory: Int32
  ) throws(Failure) -> Bool {
    do throws(Failure) {
      try attempt("unlink") {
        unlinkat(directory, name, status.isDirectory ? AT_REMOVEDIR : 0)
      }
      return true
    } catch {
      if error.code == ENOTEMPTY || error.code == EBUSY { return false }
      throw error
    }
  }
}
