// SPDX-License-Identifier: MIT

import CLinux

/// Removes everything below the directory that `directory` is open on. Symbolic links are removed,
/// never followed. Mounts below it stay.
///
/// - Throws: the first failure; everything that can be removed is removed regardless.
public func empty(_ directory: Int32) throws(Failure) {
  var failure: Failure?
  var names = try Listing(of: directory)

  while let name = try names.next() {
    do throws(Failure) {
      try remove(name, in: directory)
    } catch { failure = failure ?? error.on(name) }
  }
  if let failure { throw failure }
}

/// Removes an entry and everything below it.
func remove(_ name: [CChar], in directory: Int32) throws(Failure) {
  let status = try Status(of: name, in: directory)
  if status.isMountRoot { throw Failure("mount", EBUSY) }

  guard status.isDirectory else {
    try attempt("unlink") { unlinkat(directory, name, 0) }
    return
  }

  let child = try openDirectory(name, in: directory)
  defer { closeQuietly(child) }
  try empty(child)
  try attempt("rmdir") { unlinkat(directory, name, AT_REMOVEDIR) }
}
