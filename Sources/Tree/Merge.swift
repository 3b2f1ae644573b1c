// SPDX-License-Identifier: MIT

import CLinux

/// Moves all entries of a directory into another one of the same mount, by rename(2): files and
/// directories stay what they are for a process, a mount or a loop device that uses them.
///
/// Directories may be in both. Those of the target stay, with their metadata and times. No other
/// entry may be in both.
///
/// - Parameters:
///   - source: open for reading; it stays, emptied.
///   - target: open for reading. Its own times are the caller's.
public func merge(_ source: Int32, into target: Int32) throws(Failure) {
  var names = try Listing(of: source)
  while let name = try names.next() {
    do throws(Failure) {
      if try !move(name, source, target) { try mergeDirectory(name, source, target) }
    } catch { throw error.on(name) }
  }
}

/// - Returns: false if the target has an entry of that name.
private func move(_ name: [CChar], _ source: Int32, _ target: Int32) throws(Failure) -> Bool {
  do throws(Failure) {
    try attempt("rename") { linux_rename(source, name, target, name) }
    return true
  } catch {
    if error.code == EEXIST { return false }
    throw error
  }
}

private func mergeDirectory(
  _ name: [CChar], _ source: Int32, _ target: Int32
) throws(Failure) {
  let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
  let inner = try attempt("open") { linux_openat(source, name, flags, 0) }
  defer { closeQuietly(inner) }
  let outer = try attempt("open") { linux_openat(target, name, flags, 0) }
  defer { closeQuietly(outer) }

  let status = try Status(of: outer)
  try merge(inner, into: outer)
  try setTimes(of: outer, status)
  try attempt("rmdir") { unlinkat(source, name, AT_REMOVEDIR) }
}

/// Makes the directory `name` in the directory `holder` of `root`, mode 0700, and opens it.
public func makeDirectory(
  _ name: StaticString, in holder: StaticString, of root: Int32
) throws(Failure) -> Int32 {
  let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
  let (name, holderName) = (cName(name), cName(holder))
  let holder = try attempt("open") { linux_openat(root, holderName, flags, 0) }
  defer { closeQuietly(holder) }
  try attempt("mkdir") { mkdirat(holder, name, 0o700) }
  return try attempt("open") { linux_openat(holder, name, flags, 0) }
}
