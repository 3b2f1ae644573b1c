// SPDX-License-Identifier: MIT

import CLinux

/// Prepares two trees to become one: `rest`, which the kernel unpacked after a payload, and the
/// tree made from the payload. Of each name in both, one entry stays, as if the kernel had unpacked
/// both (init/initramfs.c, do_name(), do_symlink()). Only directories stay in both.
struct Reconciliation {
  /// When the kernel copied the payload.
  let period: CopyPeriod

  /// Whether the kernel also made all directories of the tree in `rest`, before the payload's
  /// files. Owners and permissions there are then final.
  let hasAllDirectories: Bool

  /// What is reconciled; nil for all.
  let selection: Selection?

  /// Reconciles the trees whose roots `rest` and `tree` are open on.
  func run(_ rest: Int32, _ tree: Int32) throws(Failure) {
    let (restStatus, treeStatus) = (try Status(of: rest), try Status(of: tree))
    try reconcileEntries(of: rest, tree)
    // The root of `rest` has changed since the kernel set its times.
    try settle(rest, restStatus, tree, treeStatus, times: treeStatus)
  }

  private func reconcileEntries(of rest: Int32, _ tree: Int32) throws(Failure) {
    var names = try Listing(of: rest)
    while let name = try names.next() {
      do throws(Failure) { try decide(name, rest, tree) } catch { throw error.on(name) }
    }
  }

  /// Gives a directory in both trees one metadata, once its entries are reconciled.
  ///
  /// Changes nothing that is right already: most directories are, and on an overlay each change
  /// would copy the directory up.
  ///
  /// - Parameters:
  ///   - times: the status that has its times.
  ///   - isGone: whether `rest` is no longer in its tree.
  @inline(never)
  private func settle(
    _ rest: Int32, _ restStatus: Status, _ tree: Int32, _ treeStatus: Status, times: Status,
    isGone: Bool = false
  ) throws(Failure) {
    let isRestLater = hasAllDirectories || restStatus.inode > period.lastInode
    if !isGone {
      if !isRestLater { try copyMetadata(from: tree, treeStatus, to: rest) }
      try setTimes(of: rest, times)
    }

    if isRestLater, try !hasMetadata(of: rest, restStatus, tree, treeStatus) {
      try copyMetadata(from: rest, restStatus, to: tree)
    }
    if try !Status(of: tree).hasTimes(of: times) { try setTimes(of: tree, times) }
  }

  @inline(never)
  private func decide(_ name: [CChar], _ rest: Int32, _ tree: Int32) throws(Failure) {
    let status = try Status(of: name, in: rest)
    if status.isMountRoot { return }
    if let selection, !selection.includes(status) { return }
    guard let other = try statusIfAny(of: name, in: tree) else { return }

    let new = Place(directory: rest, name: name)
    let old = Place(directory: tree, name: name)
    if !status.isDirectory, period.hasInPayload(status) { return try remove(name, in: rest) }
    if status.isDirectory && other.isDirectory {
      try descend(new, status, old, other)
    } else if status.isDirectory {
      // An older directory was in the tree, too, until the payload replaced it.
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
    var isGone = selection == nil ? try removeIfEmpty(new, status) : false
    // Most are empty, and the same in both.
    if isGone, try isRepeated(inner, status, other) { return }
    let outer = try openDirectory(old.name, in: old.directory)
    defer { closeQuietly(outer) }
    if !isGone {
      try reconcileEntries(of: inner, outer)
      // What remains in it moves.
      if selection == nil { isGone = try removeIfEmpty(new, status) }
    }
    // A directory's first record sets its times (init/initramfs.c, dir_utime()). With
    // `hasAllDirectories` that record precedes the payload; but newc cannot carry all times.
    let isInRest = hasAllDirectories && UInt32(exactly: other.modified) != nil
    try settle(inner, status, outer, other, times: isInRest ? status : other, isGone: isGone)
  }

  /// Whether a directory says no more than the one in the tree.
  private func isRepeated(
    _ directory: Int32, _ status: Status, _ other: Status
  ) throws(Failure) -> Bool {
    guard status.hasTimes(of: other), status.hasOwnerAndPermissions(of: other) else {
      return false
    }
    return try Attributes(of: directory).isEmpty
  }

  /// Replaces an empty directory with an entry of another type. On a non-empty one, a device or
  /// link only changes the owner, and a device the permissions.
  private func replaceDirectory(
    _ old: Place, _ new: Place, _ status: Status
  ) throws(Failure) {
    if try removeIfEmpty(old, try Status(of: old.name, in: old.directory)) { return }
    if !status.isRegular { try setOwnerAndPermissions(of: old, status) }
    try remove(new.name, in: new.directory)
  }

  /// Replaces one non-directory with another.
  private func replace(
    _ old: Place, _ other: Status, _ new: Place, _ status: Status
  ) throws(Failure) {
    if status.isRegular && other.isRegular && other.links > 1 && status.links == 1 {
      // The kernel writes to the existing file, so all its names get the content.
      let file = try attempt("open") {
        linux_openat(old.directory, old.name, O_WRONLY | O_TRUNC | O_NOFOLLOW, 0)
      }
      closeQuietly(file)
      _ = try moveRegularFile(from: new, status, to: old, isThere: true)
    } else if status.isSpecial && status.type == other.type && status.inode > period.lastInode {
      // The kernel does not make a second one; it gives the first the new metadata.
      try setOwnerAndPermissions(of: old, status)
      try setTimes(of: old, status)
      try remove(new.name, in: new.directory)
    } else {
      try remove(old.name, in: old.directory)
    }
  }
}

// MARK: One of two entries

/// The status of an entry; nil if there is none of this name.
func statusIfAny(of name: [CChar], in directory: Int32) throws(Failure) -> Status? {
  do throws(Failure) {
    return try Status(of: name, in: directory)
  } catch {
    if error.code == ENOENT { return nil }
    throw error
  }
}

/// Gives an entry the owner and the permissions of another one, of which the kernel makes only
/// these calls.
func setOwnerAndPermissions(of place: Place, _ status: Status) throws(Failure) {
  try attempt("fchownat") {
    fchownat(place.directory, place.name, status.user, status.group, AT_SYMLINK_NOFOLLOW)
  }
  if status.isSymbolicLink { return }
  try attempt("fchmodat") { fchmodat(place.directory, place.name, status.permissions, 0) }
}

/// Removes an entry that is in the way of one of another type, unless it is a non-empty directory
/// (init/initramfs.c, clean_path()) or a mount point.
func removeIfEmpty(_ place: Place, _ status: Status) throws(Failure) -> Bool {
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
