// SPDX-License-Identifier: MIT

import CLinux

/// Makes a symbolic link, device, fifo or socket like the one at `source`, without its metadata.
func createSpecial(_ target: Place, like source: Place, _ status: Status) throws(Failure) {
  guard status.isSymbolicLink else {
    try attempt("mknod") {
      mknodat(target.directory, target.name, status.type | 0o600, status.deviceNode)
    }
    return
  }

  // PATH_MAX bytes, more than any target has, and one for our NUL.
  let text = UnsafeMutablePointer<CChar>.allocate(capacity: 4097)
  defer { text.deallocate() }
  let length = try attempt("readlink") { readlinkat(source.directory, source.name, text, 4096) }
  text[length] = 0
  try attempt("symlink") { symlinkat(text, target.directory, target.name) }
}

/// Moves a symbolic link, device, fifo or socket to a place where nothing is yet.
func moveSpecial(from source: Place, _ status: Status, to target: Place) throws(Failure) {
  do throws(Failure) {
    try createSpecial(target, like: source, status)
    do throws(Failure) {
      try copyMetadata(from: source, status, to: target)
      try attempt("unlink") { unlinkat(source.directory, source.name, 0) }
    } catch {
      _ = unlinkat(target.directory, target.name, 0)
      throw error
    }
  } catch {
    // readlink(2) has changed its access time.
    try? setTimes(of: source, status)
    throw error
  }
}
