// SPDX-License-Identifier: MIT

import CLinux

/// Makes the upper layer of an overlay from what older images have put into a directory. The lower
/// layer is newer: together they look as if the kernel had unpacked it over the older files
/// (init/initramfs.c, do_name(), do_symlink()).
package struct UpperLayer {
  /// Moves the directory that `older` is open on into the empty directory `upper`, with its
  /// metadata. What the lower layer replaces is removed.
  ///
  /// - Parameter lower: the directory of the lower layer, open for reading; not changed.
  package static func fill(
    _ upper: Int32, from older: Int32, under lower: Int32
  ) throws(Failure) {
    let status = try Status(of: older)
    try merge(older, lower)
    try Mover(from: older, status, to: upper, apart: true, threads: 1).move()
  }

  private static func merge(_ older: Int32, _ lower: Int32) throws(Failure) {
    var names = try Listing(of: older)
    while let name = try names.next() {
      do throws(Failure) { try decide(name, older, lower) } catch { throw error.on(name) }
    }
  }

  private static func decide(_ name: [CChar], _ older: Int32, _ lower: Int32) throws(Failure) {
    guard let newer = try statusIfAny(of: name, in: lower) else { return }
    let status = try Status(of: name, in: older)
    let old = Place(directory: older, name: name)
    let new = Place(directory: lower, name: name)

    if status.isDirectory && newer.isDirectory {
      try descend(old, status, new, newer)
    } else if status.isDirectory {
      // Only an empty directory is replaced. On another one, a device or link changes the owner.
      if try removeIfEmpty(old, status) || newer.isRegular { return }
      try setOwnerAndPermissions(of: old, newer)
    } else if status.isSpecial && status.type == newer.type {
      // The kernel does not make a second one; it gives the first the new metadata.
      try setOwnerAndPermissions(of: old, newer)
      try setTimes(of: old, newer)
    } else if status.isRegular && newer.isRegular && status.links > 1 {
      // The kernel writes to the existing file, so all its names get the content.
      try overwriteRegularFile(at: old, with: new, newer)
    } else {
      try attempt("unlink") { unlinkat(older, name, 0) }
    }
  }

  /// Merges two directories: the newer one has the last word, except on the times, which the first
  /// record of a directory sets (init/initramfs.c, dir_utime()).
  private static func descend(
    _ old: Place, _ status: Status, _ new: Place, _ newer: Status
  ) throws(Failure) {
    let older = try openDirectory(old.name, in: old.directory)
    defer { closeQuietly(older) }
    let lower = try openDirectory(new.name, in: new.directory)
    defer { closeQuietly(lower) }
    try merge(older, lower)

    let saysMore = try !Attributes(of: older).isEmpty || status.modified != newer.modified
    if !saysMore, try removeIfEmpty(old, status) { return }
    try setMetadata(of: older, newer, Attributes(of: lower))
    try setTimes(of: older, status)
  }
}
