// SPDX-License-Identifier: MIT

import CLinux

/// An entry as its parent directory's descriptor and its name: what the calls in `*at` form take.
struct Place {
  let directory: Int32
  let name: [CChar]
}

/// Gives the file that `target` is open on owner, permissions, xattrs and times of the one that
/// `source` is open on, in the order that keeps each: chown(2) clears setuid and
/// security.capability, and every change of the others leaves the times alone.
func copyMetadata(from source: Int32, _ status: Status, to target: Int32) throws(Failure) {
  try attempt("fchown") { fchown(target, status.user, status.group) }
  try attempt("fchmod") { fchmod(target, status.permissions) }
  try copyAttributes(
    list: { flistxattr(source, $0, $1) },
    get: { fgetxattr(source, $0, $1, $2) },
    set: { fsetxattr(target, $0, $1, $2, 0) })
  try setTimes(of: target, status)
}

/// The same for an entry that cannot be opened: symbolic link, device, fifo, socket.
///
/// xattr calls have no `*at` form before Linux 6.13, so the working directory, which all threads
/// share, is moved: only one thread may do this.
func copyMetadata(from source: Place, _ status: Status, to target: Place) throws(Failure) {
  try attempt("fchownat") {
    fchownat(target.directory, target.name, status.user, status.group, AT_SYMLINK_NOFOLLOW)
  }
  if !status.isSymbolicLink {
    try attempt("fchmodat") { fchmodat(target.directory, target.name, status.permissions, 0) }
  }

  try attempt("fchdir") { fchdir(source.directory) }
  let hasAttributes = try attempt("llistxattr") { unsupportedIsNone(llistxattr(source.name, nil, 0)) }
  if hasAttributes > 0 {
    try copyAttributes(
      list: { llistxattr(source.name, $0, $1) },
      get: { fchdir(source.directory) < 0 ? -1 : lgetxattr(source.name, $0, $1, $2) },
      set: { fchdir(target.directory) < 0 ? -1 : lsetxattr(target.name, $0, $1, $2, 0) })
  }

  let (accessed, modified) = status.times
  let times = [accessed, modified]
  try attempt("utimensat") {
    utimensat(target.directory, target.name, times, AT_SYMLINK_NOFOLLOW)
  }
}

/// Gives the file that `target` is open on the access and modification time noted in `status`.
public func setTimes(of target: Int32, _ status: Status) throws(Failure) {
  let (accessed, modified) = status.times
  let times = [accessed, modified]
  try attempt("futimens") { futimens(target, times) }
}

/// All of user, trusted, security and system (POSIX ACLs), whatever the file system lists.
private func copyAttributes(
  list: (UnsafeMutablePointer<CChar>?, Int) -> Int,
  get: (UnsafePointer<CChar>, UnsafeMutableRawPointer?, Int) -> Int,
  set: (UnsafePointer<CChar>, UnsafeRawPointer, Int) -> Int32
) throws(Failure) {
  let size = try attempt("listxattr") { unsupportedIsNone(list(nil, 0)) }
  if size == 0 { return }

  let names = UnsafeMutablePointer<CChar>.allocate(capacity: size)
  defer { names.deallocate() }
  let end = try attempt("listxattr") { list(names, size) }

  var start = 0
  while start < end {
    let name = UnsafePointer(names + start)
    start += strlen(name) + 1

    let length = try attempt("getxattr") { get(name, nil, 0) }
    let value = UnsafeMutableRawPointer.allocate(byteCount: length, alignment: 8)
    defer { value.deallocate() }
    let read = try attempt("getxattr") { get(name, value, length) }
    try attempt("setxattr") { set(name, value, read) }
  }
}

/// A file system without xattrs (ramfs) has none to copy.
private func unsupportedIsNone(_ size: Int) -> Int {
  size < 0 && linux_errno() == ENOTSUP ? 0 : size
}
