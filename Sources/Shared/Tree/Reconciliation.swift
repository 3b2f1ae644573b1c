// SPDX-License-Identifier: MIT

import CLinux

/// Makes two trees fit to become one: what the kernel has unpacked behind a payload, `rest`, and
/// the tree that has come of the payload. Of each name that both have, one entry stays, as if the
/// kernel had unpacked both: init/initramfs.c, do_name(), do_symlink(). Only directories stay in
/// both.
struct Reconciliation {
  /// The payload was copied then.
  let period: CopyPeriod

  /// The kernel has made all directories of the tree in `rest`, too, before the payload's files:
  /// owners and permissions there are the last word.
  let hasAllDirectories: Bool

  /// What is reconciled; nil for all.
  let selection: Selection?

  /// Works on the trees whose roots these are open on.
  func run(_ rest: Int32, _ tree: Int32) throws(Failure) {
    try reconcile(rest, try Status(of: rest), tree, try Status(of: tree), isRoot: true)
  }

  private func reconcile(
    _ rest: Int32, _ restStatus: Status, _ tree: Int32, _ treeStatus: Status, isRoot: Bool = false
  ) throws(Failure) {
    var names = try Listing(of: rest)
    while let name = try names.next() {
      do throws(Failure) { try decide(name, rest, tree) } catch { throw error.on(name) }
    }

    if hasAllDirectories || restStatus.inode > period.lastInode {
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
    if status.isMountRoot { return }
    if let selection, !selection.includes(status) { return }
    guard let other = try entry(name, in: tree) else { return }

    let new = Place(directory: rest, name: name)
    let old = Place(directory: tree, name: name)
    if status.isDirectory && other.isDirectory {
      try descend(new, status, old, other)
    } else if status.isDirectory {
      // One that is older was in the tree, too, until the payload replaced it.
      let isOlder = status.inode <= period.lastInode
      let isGone = isOlder ? try removeIfEmpty(new, status) : false
      if !isGone { try remove(name, in: tree) }
    } else if other.isDirectory {
      try replaceDirectory(old, new, status)
    } else {
      try replace(old, other, new, status)
    }
  }

  private func descend(
    _ new: Place, _ status: Status, _ old: Place, _ other: Status
  ) throws(Failure) {
    let inner = try openDirectory(new.name, in: new.directory)
    defer { closeQuietly(inner) }
    let outer = try openDirectory(old.name, in: old.directory)
    defer { closeQuietly(outer) }
    try reconcile(inner, status, outer, other)
    // What is left in it moves.
    if selection == nil { _ = try removeIfEmpty(new, status) }
  }

  /// Another type takes the place of a directory that is empty. Of one that is not, a device or link
  /// only changes the owner, and a device the permissions.
  private func replaceDirectory(
    _ old: Place, _ new: Place, _ status: Status
  ) throws(Failure) {
    if try removeIfEmpty(old, try Status(of: old.name, in: old.directory)) { return }
    if !status.isRegular { try setOwnerAndPermissions(of: old, status) }
    try remove(new.name, in: new.directory)
  }

  private func setOwnerAndPermissions(of place: Place, _ status: Status) throws(Failure) {
    try attempt("fchownat") {
      fchownat(place.directory, place.name, status.user, status.group, AT_SYMLINK_NOFOLLOW)
    }
    if status.isSymbolicLink { return }
    try attempt("fchmodat") { fchmodat(place.directory, place.name, status.permissions, 0) }
  }

  /// Neither is a directory.
  private func replace(
    _ old: Place, _ other: Status, _ new: Place, _ status: Status
  ) throws(Failure) {
    if status.isRegular && other.isRegular && other.links > 1 && status.links == 1 {
      // The kernel writes to the file, which has the content under all its names.
      let file = try attempt("open") {
        linux_openat(old.directory, old.name, O_WRONLY | O_TRUNC | O_NOFOLLOW, 0)
      }
      closeQuietly(file)
      _ = try moveRegularFile(from: new, status, to: old, isThere: true)
    } else if status.isSpecial && status.type == other.type && status.inode > period.lastInode {
      // The kernel makes no second one, but gives the first its metadata.
      try setOwnerAndPermissions(of: old, status)
      try setTimes(of: old, status)
      try remove(new.name, in: new.directory)
    } else {
      try remove(old.name, in: old.directory)
    }
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
  private func removeIfEmpty(_ place: Place, _ status: Status) throws(Failure) -> Bool {
    do throws(Failure) {
      try attempt("unlink") {
        unlinkat(place.directory, place.name, status.isDirectory ? AT_REMOVEDIR : 0)
      }
      return true
    } catch {
      if error.code == ENOTEMPTY || error.code == EBUSY { return false }
      throw error
    }
  }
}
