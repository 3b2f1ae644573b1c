// SPDX-License-Identifier: MIT

public import Newc

/// The file operations of the kernel's unpacker: the calls of fs/init.c, and those on an open file.
///
/// Each returns 0, or what its comment says, or a negative errno. Paths are those of the image, any
/// bytes except NUL, and are resolved in the image's own tree: `/` is its root, and so is the empty
/// path. A symbolic link as the last component is not followed, unless a slash follows it.
public protocol FileSystem {
  /// Returns the type and permissions of a file, as in `st_mode`.
  mutating func lstat(_ path: [UInt8]) -> Int
  mutating func mkdir(_ path: [UInt8], _ mode: UInt32) -> Int
  mutating func mknod(_ path: [UInt8], _ mode: UInt32, _ device: Device) -> Int
  mutating func symlink(_ target: [UInt8], _ path: [UInt8]) -> Int
  mutating func link(_ old: [UInt8], _ new: [UInt8]) -> Int
  mutating func unlink(_ path: [UInt8]) -> Int
  mutating func rmdir(_ path: [UInt8]) -> Int
  mutating func chown(_ path: [UInt8], _ user: UInt32, _ group: UInt32) -> Int
  /// `mode` includes the type bits of the record.
  mutating func chmod(_ path: [UInt8], _ mode: UInt32) -> Int
  /// Sets access and modification time, in seconds since 1970.
  mutating func utime(_ path: [UInt8], _ time: Int64) -> Int
  /// For payloads: the kernel's unpacker does not know xattrs. A symbolic link is not followed.
  mutating func setxattr(_ path: [UInt8], _ xattr: Xattr) -> Int

  /// Opens a regular file for writing, creating it if it does not exist.
  ///
  /// - Returns: a number for the file, valid until it is closed.
  mutating func open(_ path: [UInt8], truncating: Bool) -> Int

  /// Makes a new regular file with its owner and permissions, and opens it for writing. This saves
  /// the calls that look for what has the name, and those that would change nothing.
  ///
  /// - Returns: a number for the file. After an error nothing has been made; unless the file system
  ///   has failed, the other calls are needed.
  mutating func create(_ entry: Entry) -> Int

  /// Makes a new directory with its owner and permissions. This saves the same calls.
  ///
  /// - Returns: 0, or an error as ``create(_:)`` does.
  mutating func createDirectory(_ entry: Entry) -> Int

  mutating func chown(_ file: Int, _ user: UInt32, _ group: UInt32) -> Int
  mutating func chmod(_ file: Int, _ mode: UInt32) -> Int
  mutating func truncate(_ file: Int, to size: UInt64) -> Int
  /// - Returns: the number of bytes written.
  mutating func write(_ file: Int, _ bytes: UnsafeRawBufferPointer, at offset: UInt64) -> Int
  mutating func utime(_ file: Int, _ time: Int64) -> Int
  mutating func setxattr(_ file: Int, _ xattr: Xattr) -> Int
  mutating func close(_ file: Int)
}

extension FileSystem {
  public mutating func create(_ entry: Entry) -> Int { -Int(ErrorNumber.exists) }
  public mutating func createDirectory(_ entry: Entry) -> Int { -Int(ErrorNumber.exists) }
}
