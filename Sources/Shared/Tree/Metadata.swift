// SPDX-License-Identifier: MIT

import CLinux

/// An entry as its parent directory's descriptor and its name: what the calls in `*at` form take.
struct Place {
  let directory: Int32
  let name: [CChar]
}

/// Gives the file that `target` is open on owner, permissions, xattrs and times of the one that
/// `source` is open on.
package func copyMetadata(from source: Int32, _ status: Status, to target: Int32) throws(Failure) {
  try setMetadata(of: target, status, Attributes(of: source))
}

/// Gives the file that `target` is open on the metadata of another, in the order that keeps each:
/// chown(2) clears setuid and security.capability, and every change of the others leaves the times
/// alone.
func setMetadata(of target: Int32, _ status: Status, _ attributes: Attributes) throws(Failure) {
  try attempt("fchown") { fchown(target, status.user, status.group) }
  try attempt("fchmod") { fchmod(target, status.permissions) }
  try attributes.set(on: target)
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
  let attributes = try Attributes(
    list: { llistxattr(source.name, $0, $1) }, get: { lgetxattr(source.name, $0, $1, $2) })
  if !attributes.isEmpty {
    try attempt("fchdir") { fchdir(target.directory) }
    try attributes.set { lsetxattr(target.name, $0, $1, $2, 0) }
  }
  try setTimes(of: target, status)
}

/// Access and modification time of an entry that cannot be opened.
func setTimes(of target: Place, _ status: Status) throws(Failure) {
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

/// The xattrs of one entry: all of user, trusted, security and system (POSIX ACLs), whatever the
/// file system lists.
package struct Attributes {
  /// One of them; the name has its NUL.
  package struct Attribute {
    package let name: [CChar]
    package let value: [UInt8]
  }

  package private(set) var all: [Attribute] = []

  var isEmpty: Bool { all.isEmpty }

  /// Those of the file that `file` is open on.
  init(of file: Int32) throws(Failure) {
    try self.init(list: { flistxattr(file, $0, $1) }, get: { fgetxattr(file, $0, $1, $2) })
  }

  /// What `list` and `get` find: llistxattr(2), lgetxattr(2).
  package init(
    list: (UnsafeMutablePointer<CChar>?, Int) -> Int,
    get: (UnsafePointer<CChar>, UnsafeMutableRawPointer?, Int) -> Int
  ) throws(Failure) {
    let size = try attempt("listxattr") { unsupportedIsNone(list(nil, 0)) }
    if size == 0 { return }

    let names = UnsafeMutablePointer<CChar>.allocate(capacity: size)
    defer { names.deallocate() }
    let end = try attempt("listxattr") { list(names, size) }

    var start = 0
    while start < end {
      let name = UnsafeBufferPointer(start: names + start, count: strlen(names + start) + 1)
      start += name.count

      let length = try attempt("getxattr") { get(name.baseAddress!, nil, 0) }
      var value = [UInt8](repeating: 0, count: length)
      try attempt("getxattr") {
        value.withUnsafeMutableBytes { get(name.baseAddress!, $0.baseAddress, length) }
      }
      all.append(Attribute(name: [CChar](name), value: value))
    }
  }

  /// Gives them to the file that `file` is open on.
  func set(on file: Int32) throws(Failure) {
    try set { fsetxattr(file, $0, $1, $2, 0) }
  }

  func set(
    by call: (UnsafePointer<CChar>, UnsafeRawPointer?, Int) -> Int32
  ) throws(Failure) {
    for attribute in all {
      try attempt("setxattr") {
        attribute.value.withUnsafeBytes { call(attribute.name, $0.baseAddress, $0.count) }
      }
    }
  }
}

/// A file system without xattrs (ramfs) has none to copy.
private func unsupportedIsNone(_ size: Int) -> Int {
  size < 0 && linux_errno() == ENOTSUP ? 0 : size
}
