// SPDX-License-Identifier: MIT

import CLinux
import Newc

/// What the kernel's unpacker does to the entries that are there: init/initramfs.c, `clean_path`,
/// `maybe_link`, `do_utime`; fs/init.c.
extension Unpacker {
  /// Removes what is at `name` if it is of another type than `mode` (0: of any).
  func clean(_ name: [UInt8], keeping mode: UInt32) throws(Failure) {
    try passing { () throws(Failure) in
      guard let status = try self.status(of: name) else { return }
      if (status.mode ^ mode) & UInt32(S_IFMT) == 0 { return }
      // unlink(2) and rmdir(2) take neither the root nor dots for a name.
      guard let spot = try paths.spot(of: name) else { return }
      try attempt(status.isDirectory ? "rmdir" : "unlink") {
        unlinkat(spot.directory, spot.name, status.isDirectory ? AT_REMOVEDIR : 0)
      }
      if status.isDirectory || status.isSymbolicLink { paths.forget() }
    }
  }

  /// lstat(2); nil if nothing is there.
  func status(of name: [UInt8]) throws(Failure) -> Status? {
    do throws(Failure) {
      if let spot = try paths.spot(of: name), !spot.hasSlash {
        return try Status(of: spot.name, in: spot.directory)
      }
      let file = try paths.open(name, LINUX_O_PATH | O_NOFOLLOW)
      defer { closeQuietly(file) }
      return try Status(of: file)
    } catch  where error.code == ENOENT {
      return nil
    }
  }

  /// Gives the file that was made as `first` the name `name`, too.
  func link(_ first: [UInt8], to name: [UInt8]) throws(Failure) {
    try clean(name, keeping: 0)
    guard let old = try paths.spot(of: first), let new = try paths.spot(of: name) else {
      throw Failure("link", EEXIST)
    }
    do throws(Failure) {
      try attempt("link") { linkat(old.directory, old.name, new.directory, new.name, 0) }
    } catch  where error.code == EPERM {
      // A directory has come to where the first name was.
      throw Failure("link", EISDIR)
    }
  }

  func setOwner(of file: Int32, _ entry: Entry) throws(Failure) {
    try keepingOwner { () throws(Failure) in
      try attempt("fchown") { fchown(file, entry.userID, entry.groupID) }
    }
  }

  func setOwner(of name: [UInt8], _ entry: Entry) throws(Failure) {
    if let spot = try paths.spot(of: name), !spot.hasSlash {
      return try keepingOwner { () throws(Failure) in
        try attempt("fchownat") {
          fchownat(spot.directory, spot.name, entry.userID, entry.groupID, AT_SYMLINK_NOFOLLOW)
        }
      }
    }
    let directory = try paths.open(name, O_RDONLY | O_DIRECTORY)
    defer { closeQuietly(directory) }
    try setOwner(of: directory, entry)
  }

  /// Only root may give files away, and in a user namespace only to those whom it knows.
  private func keepingOwner(_ body: () throws(Failure) -> Void) throws(Failure) {
    guard isPrivileged else { return }
    do throws(Failure) {
      try body()
    } catch  where error.code == EINVAL || error.code == EPERM {
      ownerCount += 1
    }
  }

  /// chmod(2). Nothing that this is called for is a symbolic link.
  func setPermissions(of name: [UInt8], _ entry: Entry) throws(Failure) {
    if let spot = try paths.spot(of: name), !spot.hasSlash {
      try attempt("fchmodat") {
        fchmodat(spot.directory, spot.name, permissions(entry), AT_SYMLINK_NOFOLLOW)
      }
      return
    }
    let directory = try paths.open(name, O_RDONLY | O_DIRECTORY)
    defer { closeQuietly(directory) }
    try attempt("fchmod") { fchmod(directory, permissions(entry)) }
  }

  /// utimensat(2), without following a symbolic link unless a slash is behind it.
  func setTime(of name: [UInt8], _ time: UInt32) throws(Failure) {
    let times = both(time)
    if let spot = try paths.spot(of: name), !spot.hasSlash {
      try attempt("utimensat") {
        utimensat(spot.directory, spot.name, times, AT_SYMLINK_NOFOLLOW)
      }
      return
    }
    let directory = try paths.open(name, O_RDONLY | O_DIRECTORY)
    defer { closeQuietly(directory) }
    try attempt("futimens") { futimens(directory, times) }
  }

  /// Access and modification time.
  func both(_ time: UInt32) -> [timespec] {
    let one = timespec(tv_sec: Int(time), tv_nsec: 0)
    return [one, one]
  }

  func permissions(_ entry: Entry) -> UInt32 { entry.mode & (isPrivileged ? 0o7777 : 0o1777) }
}

/// The regular file whose data comes.
final class OpenFile {
  let descriptor: Int32
  let time: UInt32
  private let name: [UInt8]
  private let size: UInt64
  private var written: UInt64 = 0

  init(descriptor: Int32, entry: Entry) {
    self.descriptor = descriptor
    time = entry.modificationTime
    name = entry.name
    size = entry.size
  }

  var isComplete: Bool { written == size }

  /// Makes it as long as its record says.
  func truncate() throws(Failure) {
    try named { () throws(Failure) in
      try attempt("ftruncate") { ftruncate(descriptor, Int(size)) }
    }
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    try named { () throws(Failure) in
      var start = 0
      while start < bytes.count {
        start += try attempt("write") {
          CLinux.write(descriptor, bytes.baseAddress! + start, bytes.count - start)
        }
      }
    }
    written += UInt64(bytes.count)
  }

  func named(_ body: () throws(Failure) -> Void) throws(Failure) {
    do throws(Failure) {
      try body()
    } catch {
      var named = error
      named.name = name
      throw named
    }
  }
}

/// The names that files of several were made under (`find_link`).
struct LinkTable {
  private struct Key: Hashable {
    let inode: UInt32
    let major: UInt32
    let minor: UInt32
    let type: UInt32
  }

  private var names: [Key: [UInt8]] = [:]

  /// The name under which the entry's file came first; this one from now on, if there is none.
  mutating func first(_ entry: Entry) -> [UInt8]? {
    let key = Key(
      inode: entry.inode ?? 0, major: entry.device.major, minor: entry.device.minor,
      type: entry.mode & UInt32(S_IFMT))
    if let name = names[key] { return name }
    names[key] = entry.name
    return nil
  }

  mutating func removeAll() { names.removeAll() }
}
