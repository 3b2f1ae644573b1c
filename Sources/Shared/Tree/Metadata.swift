// SPDX-License-Identifier: MIT

import CLinux

/// An entry, given by its parent directory's descriptor and its name, as `*at` calls take it.
struct Place {
  let directory: Int32
  let name: [CChar]
}

/// Copies owner, permissions, xattrs and times from the file open as `source` to the file open as
/// `target`.
package func copyMetadata(from source: Int32, _ status: Status, to target: Int32) throws(Failure) {
  try setMetadata(of: target, status, Attributes(of: source))
}

/// Whether the file open as `target` has owner, permissions, and xattrs of the one open as `source`.
func hasMetadata(
  of source: Int32, _ sourceStatus: Status, _ target: Int32, _ targetStatus: Status
) throws(Failure) -> Bool {
  guard sourceStatus.hasOwnerAndPermissions(of: targetStatus) else { return false }
  let attributes = try Attributes(of: source)
  return attributes.isEmpty ? true : try attributes.isPart(of: Attributes(of: target))
}

/// Sets the metadata of the file open as `target`, in the order that preserves each: chown(2)
/// clears setuid and security.capability; the other calls leave the times alone.
func setMetadata(of target: Int32, _ status: Status, _ attributes: Attributes) throws(Failure) {
  try attempt("fchown") { fchown(target, status.user, status.group) }
  try attempt("fchmod") { fchmod(target, status.permissions) }
  try attributes.set(on: target)
  try setTimes(of: target, status)
}

/// Copies the metadata of an entry that cannot be opened: symbolic link, device, fifo, socket.
///
/// Only one thread may call this. xattr calls have no `*at` form before Linux 6.13, so it changes
/// the working directory, which all threads share.
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

/// Sets access and modification time of an entry that cannot be opened.
func setTimes(of target: Place, _ status: Status) throws(Failure) {
  let (accessed, modified) = status.times
  let times = [accessed, modified]
  try attempt("utimensat") {
    utimensat(target.directory, target.name, times, AT_SYMLINK_NOFOLLOW)
  }
}

/// Sets access and modification time of the file open as `target` to those in `status`.
public func setTimes(of target: Int32, _ status: Status) throws(Failure) {
  let (accessed, modified) = status.times
  let times = [accessed, modified]
  try attempt("futimens") { futimens(target, times) }
}

/// The xattrs of one entry: user, trusted, security and system (POSIX ACLs), whatever the file
/// system lists.
package struct Attributes {
  /// One xattr. The name includes its NUL.
  package struct Attribute {
    package let name: [CChar]
    package let value: [UInt8]
  }

  package private(set) var all: [Attribute] = []

  var isEmpty: Bool { all.isEmpty }

  /// Reads the xattrs of the file open as `file`.
  @inline(never)
  init(of file: Int32) throws(Failure) {
    try self.init(list: { flistxattr(file, $0, $1) }, get: { fgetxattr(file, $0, $1, $2) })
  }

  /// Reads xattrs with `list` and `get`, such as llistxattr(2) and lgetxattr(2).
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

  /// Whether `other` has all of these, with the same values.
  func isPart(of other: Attributes) -> Bool {
    all.allSatisfy { one in
      other.all.contains { $0.name == one.name && $0.value == one.value }
    }
  }

  /// Sets these xattrs on the file open as `file`.
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
