// SPDX-License-Identifier: MIT

import CLinux

/// A place within a tree where the rest of the tree waits.
public struct Aside {
  /// Open on the place: it has the metadata of the tree's root.
  public let directory: Int32

  private let holder: Int32
  private let name: [CChar]

  /// Makes the directory `name` in the entry `holder` of a tree's root, and moves all other entries
  /// of the root into it. rename(2).
  public init(
    _ name: StaticString, in holder: StaticString, of root: Int32
  ) throws(Failure) {
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
    let (name, holderName) = (cName(name), cName(holder))
    self.name = name
    let holder = try attempt("open") { linux_openat(root, holderName, flags, 0) }
    self.holder = holder

    let status = try Status(of: root)
    try attempt("mkdir") { mkdirat(holder, name, 0o700) }
    let directory = try attempt("open") { linux_openat(holder, name, flags, 0) }
    self.directory = directory
    try copyMetadata(from: root, status, to: directory)

    var names = try Listing(of: root)
    while let entry = try names.next() {
      if entry == holderName { continue }
      do throws(Failure) {
        try attempt("rename") { linux_rename(root, entry, directory, entry) }
      } catch { throw error.on(entry) }
    }
  }

  /// Removes the place, which must be empty, and closes it.
  public func remove() throws(Failure) {
    closeQuietly(directory)
    defer { closeQuietly(holder) }
    try attempt("rmdir") { unlinkat(holder, name, AT_REMOVEDIR) }
  }
}
