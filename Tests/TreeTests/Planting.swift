// SPDX-License-Identifier: MIT

import CLinux
import Fidelity
import Foundation
import Testing

/// Makes entries for the tests, in the directory that a descriptor is open on.
struct Planting {
  let directory: Int32

  func directory(_ name: String, _ mode: mode_t = 0o755, user: UInt32 = 0, group: UInt32 = 0) throws
  {
    try check("mkdir \(name)", mkdirat(directory, name, 0o700))
    try own(name, mode, user, group)
  }

  func file(
    _ name: String, size: Int = 0, _ mode: mode_t = 0o644, user: UInt32 = 0, group: UInt32 = 0
  ) throws {
    try file(Array(name.utf8CString), content(size, name.utf8.reduce(1) { $0 &+ UInt64($1) }))
    try own(name, mode, user, group)
  }

  /// A name of any bytes, with its NUL.
  func file(_ name: [CChar], _ content: [UInt8] = []) throws {
    let file = try check(
      "create", linux_openat(directory, name, O_WRONLY | O_CREAT | O_EXCL, 0o644))
    defer { close(file) }
    try content.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        done += try check("write", write(file, bytes.baseAddress! + done, bytes.count - done))
      }
    }
  }

  /// A program that sleeps as many seconds as its argument says, with `size` bytes behind it.
  func program(_ name: String, size: Int) throws {
    let program = try #require(FileManager.default.contents(atPath: "/bin/sleep"))
    try file(Array(name.utf8CString), program + content(size, 1))
    try own(name, 0o755, 0, 0)
  }

  func symbolicLink(_ name: String, to text: String) throws {
    try check("symlink \(name)", symlinkat(text, directory, name))
  }

  func hardLink(_ name: String, to other: String) throws {
    try check("link \(name)", linkat(directory, other, directory, name, 0))
  }

  /// A device node, fifo or socket.
  func node(
    _ name: String, _ type: Int32, _ major: UInt32 = 0, _ minor: UInt32 = 0,
    _ mode: mode_t = 0o600, user: UInt32 = 0, group: UInt32 = 0
  ) throws {
    try check(
      "mknod \(name)",
      mknodat(directory, name, mode_t(type) | 0o600, linux_makedev(major, minor)))
    try own(name, mode, user, group)
  }

  func attribute(_ attribute: String, _ value: [UInt8], on name: String) throws {
    try check(
      "setxattr \(attribute)",
      lsetxattr(path(name, in: directory), attribute, value, value.count, 0))
  }

  /// Gives every entry, and the directory itself, times that no other has.
  func settleTimes() throws {
    var counter = 0
    try Self.settleTimes(below: directory, &counter)
  }

  private func own(_ name: String, _ mode: mode_t, _ user: UInt32, _ group: UInt32) throws {
    try check("chown \(name)", fchownat(directory, name, user, group, AT_SYMLINK_NOFOLLOW))
    try check("chmod \(name)", fchmodat(directory, name, mode, 0))
  }

  private static func settleTimes(below directory: Int32, _ counter: inout Int) throws {
    for bytes in try names(in: directory) {
      let name = bytes.map { CChar(bitPattern: $0) } + [0]
      let child = linux_openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
      if child >= 0 {
        defer { close(child) }
        try settleTimes(below: child, &counter)
      } else {
        try check("utimensat", utimensat(directory, name, times(&counter), AT_SYMLINK_NOFOLLOW))
      }
    }
    try check("futimens", futimens(directory, times(&counter)))
  }

  private static func times(_ counter: inout Int) -> [timespec] {
    counter += 1
    return [
      timespec(tv_sec: 900_000_000 + counter, tv_nsec: 1 + counter),
      timespec(tv_sec: 1_000_000_000 + counter, tv_nsec: 999_999_999 - counter),
    ]
  }
}

/// Bytes that a mistaken offset would betray.
func content(_ size: Int, _ seed: UInt64 = 1) -> [UInt8] {
  var random = SplitMix(seed: seed)
  return random.bytes(size)
}

/// Values of the xattrs that the kernel itself understands.
enum KernelAttribute {
  /// cap_net_bind_service=ep, as include/uapi/linux/capability.h packs it.
  static let capability = words(0x0200_0001, 0x400, 0, 0, 0)

  /// A POSIX ACL that lets user 1234 in: u::rwx u:1234:r-x g::r-x m::r-x o::---
  /// (include/uapi/linux/posix_acl_xattr.h).
  static let accessList: [UInt8] =
    words(2) + entry(0x01, 7) + entry(0x02, 5, 1234) + entry(0x04, 5) + entry(0x10, 5)
    + entry(0x20, 0)

  private static func entry(_ tag: UInt8, _ permissions: UInt8, _ id: UInt32 = ~0) -> [UInt8] {
    [tag, 0, permissions, 0] + words(id)
  }

  private static func words(_ values: UInt32...) -> [UInt8] {
    values.flatMap { value in withUnsafeBytes(of: value.littleEndian) { Array($0) } }
  }
}
