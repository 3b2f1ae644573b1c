// SPDX-License-Identifier: MIT

public import Newc

/// What the kernel's unpacker does to files: the calls of fs/init.c, and those on an open file.
///
/// Each gives 0, or what its comment says, or a negative errno. Paths are those of the image, any
/// bytes but NUL, and belong to the image's own tree: `/` is its root, and so is the empty path. A
/// symbolic link that is a path's last component is not followed, unless a slash is behind it.
public protocol FileSystem {
  /// The type and permissions of a file, as in `st_mode`.
  mutating func lstat(_ path: [UInt8]) -> Int
  mutating func mkdir(_ path: [UInt8], _ mode: UInt32) -> Int
  mutating func mknod(_ path: [UInt8], _ mode: UInt32, _ device: Device) -> Int
  mutating func symlink(_ target: [UInt8], _ path: [UInt8]) -> Int
  mutating func link(_ old: [UInt8], _ new: [UInt8]) -> Int
  mutating func unlink(_ path: [UInt8]) -> Int
  mutating func rmdir(_ path: [UInt8]) -> Int
  mutating func chown(_ path: [UInt8], _ user: UInt32, _ group: UInt32) -> Int
  /// `mode` has the type that the record says, too.
  mutating func chmod(_ path: [UInt8], _ mode: UInt32) -> Int
  /// Sets access and modification time, in seconds since 1970.
  mutating func utime(_ path: [UInt8], _ time: Int64) -> Int
  /// The kernel's unpacker knows no xattrs: for payloads. A symbolic link is not followed.
  mutating func setxattr(_ path: [UInt8], _ xattr: Xattr) -> Int

  /// Opens a regular file for writing, and makes it unless it is there.
  ///
  /// - Returns: a number for it, good until it is closed.
  mutating func open(_ path: [UInt8], truncating: Bool) -> Int
  mutating func chown(_ file: Int, _ user: UInt32, _ group: UInt32) -> Int
  mutating func chmod(_ file: Int, _ mode: UInt32) -> Int
  mutating func truncate(_ file: Int, to size: UInt64) -> Int
  /// - Returns: how many bytes were written.
  mutating func write(_ file: Int, _ bytes: UnsafeRawBufferPointer, at offset: UInt64) -> Int
  mutating func utime(_ file: Int, _ time: Int64) -> Int
  mutating func setxattr(_ file: Int, _ xattr: Xattr) -> Int
  mutating func close(_ file: Int)
}
