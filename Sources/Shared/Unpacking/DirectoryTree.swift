// SPDX-License-Identifier: MIT

import CLinux
public import Initramfs
public import Newc
import Tree

/// A tree below a directory. Paths are resolved as if the tree's root were `/`, so none leads out
/// of it.
///
/// What an ordinary user may not do is skipped and counted.
public struct DirectoryTree: FileSystem {
  /// The number of device nodes that were not made because only root may make them.
  public private(set) var deviceCount = 0
  /// The number of calls for an owner that this user namespace does not know.
  public private(set) var ownerCount = 0

  private let paths: RootedPaths
  private let isPrivileged: Bool
  private let heldRoot: HeldRoot?
  /// Directories that get their permissions last, as an ordinary user could not fill them
  /// otherwise.
  private var closed: [(path: [UInt8], permissions: UInt32)] = []
  private var newFiles = NewFiles()

  /// - Parameters:
  ///   - root: the directory that the tree is made in, open for reading.
  ///   - isPrivileged: whether owners may be changed and devices made. Otherwise entries belong to
  ///     the caller, and have no setuid or setgid bits, as these would be the caller's.
  public init(_ root: Int32, isPrivileged: Bool) {
    self.init(root, isPrivileged: isPrivileged, heldRoot: nil)
  }

  /// - Parameter heldRoot: keeps others out of the tree until the end; nil if there are no others.
  init(_ root: Int32, isPrivileged: Bool, heldRoot: HeldRoot?) {
    paths = RootedPaths(root: root)
    self.heldRoot = heldRoot
    self.isPrivileged = isPrivileged
  }

  /// Ends the tree: sets the directory permissions that would have kept an ordinary user out, and
  /// opens the root to others.
  public mutating func finish() throws(UnpackFailure) {
    while let directory = closed.popLast() {
      guard let descriptor = try? paths.open(directory.path, O_RDONLY | O_DIRECTORY) else {
        continue
      }
      _ = fchmod(descriptor, directory.permissions)
      closeQuietly(descriptor)
    }
    guard let heldRoot else { return }
    _ = keepingOwner(result("fchown") { heldRoot.giveAway() })
    let opened = result("fchmod") { heldRoot.open() }
    if opened < 0, heldRoot.hasRecord {
      throw UnpackFailure(step: .chmod, code: Int32(-opened), name: [])
    }
  }

  // MARK: Paths

  /// Calls `atPlace` with a path's place; without one, or with a trailing slash, calls `onFile`
  /// with the opened file.
  private mutating func call(
    _ step: StaticString, _ path: [UInt8], _ atPlace: (RootedPlace) -> Int32,
    opened: Int32 = O_RDONLY | O_DIRECTORY, _ onFile: (Int32) -> Int32
  ) -> Int {
    result { tree throws(Failure) in
      if let place = try tree.paths.place(of: path), !place.hasSlash {
        return Int(try attempt(step) { atPlace(place) })
      }
      let file = try tree.paths.open(path, opened)
      defer { closeQuietly(file) }
      return Int(try attempt(step) { onFile(file) })
    }
  }

  /// Makes a new entry.
  private mutating func make(
    _ step: StaticString, _ path: [UInt8], _ body: (RootedPlace) -> Int32
  ) -> Int {
    result { tree throws(Failure) in
      guard let place = try tree.paths.place(of: path) else { throw Failure(step, EEXIST) }
      return Int(try attempt(step) { body(place) })
    }
  }

  private mutating func remove(_ step: StaticString, _ path: [UInt8], _ flags: Int32) -> Int {
    result { tree throws(Failure) in
      guard let place = try tree.paths.place(of: path) else { throw Failure(step, EINVAL) }
      try attempt(step) { unlinkat(place.directory, place.name, flags) }
      // Other paths may have led through it.
      tree.paths.forget()
      return 0
    }
  }

  private mutating func result(_ body: (inout Self) throws(Failure) -> Int) -> Int {
    do throws(Failure) { return try body(&self) } catch { return -Int(error.code) }
  }

  /// Only root may give files away, and in a user namespace only to users that it knows.
  private mutating func keepingOwner(_ result: Int) -> Int {
    guard result == -Int(EINVAL) || result == -Int(EPERM) else { return result }
    ownerCount += 1
    return 0
  }

  private func permissions(_ mode: UInt32) -> UInt32 { mode & (isPrivileged ? 0o7777 : 0o1777) }

  // MARK: Calls with a path

  public mutating func lstat(_ path: [UInt8]) -> Int {
    result { tree throws(Failure) in
      if let place = try tree.paths.place(of: path), !place.hasSlash {
        return Int(try Status(of: place.name, in: place.directory).mode)
      }
      let file = try tree.paths.open(path, LINUX_O_PATH | O_NOFOLLOW)
      defer { closeQuietly(file) }
      return Int(try Status(of: file).mode)
    }
  }

  public mutating func mkdir(_ path: [UInt8], _ mode: UInt32) -> Int {
    make("mkdir", path) { mkdirat($0.directory, $0.name, 0o700) }
  }

  public mutating func createDirectory(_ entry: Entry) -> Int {
    makeNew(entry) { tree, place throws(Failure) in
      let directory = try NewFiles.makeDirectory(entry, in: place)
      // Its entries mostly come next.
      tree.paths.remember(directory, at: entry.name)
      return 0
    }
  }

  /// Makes a new file or directory with its owner and permissions.
  private mutating func makeNew(
    _ entry: Entry, _ body: (inout Self, RootedPlace) throws(Failure) -> Int
  ) -> Int {
    guard isPrivileged else { return -Int(EEXIST) }
    let result = result { tree throws(Failure) in
      guard let place = try tree.paths.place(of: entry.name), !place.hasSlash else {
        throw Failure("open", EEXIST)
      }
      return try body(&tree, place)
    }
    // The other calls count owners that a user namespace does not know.
    return result == -Int(EPERM) ? -Int(EEXIST) : result
  }

  public mutating func mknod(_ path: [UInt8], _ mode: UInt32, _ device: Device) -> Int {
    let type = mode & UInt32(S_IFMT)
    let isDevice = type == UInt32(S_IFCHR) || type == UInt32(S_IFBLK)
    let number = isDevice ? linux_makedev(device.major, device.minor) : 0
    let result = make("mknod", path) { mknodat($0.directory, $0.name, type | 0o600, number) }
    guard result == -Int(EPERM), isDevice else { return result }
    deviceCount += 1
    return 0
  }

  public mutating func symlink(_ target: [UInt8], _ path: [UInt8]) -> Int {
    let text = cName(target)
    return make("symlink", path) { symlinkat(text, $0.directory, $0.name) }
  }

  public mutating func link(_ old: [UInt8], _ new: [UInt8]) -> Int {
    let result = result { tree throws(Failure) in
      // The kernel looks for the old name before the new one's directory (do_linkat in fs/namei.c).
      let file = try tree.paths.open(old, LINUX_O_PATH | O_NOFOLLOW)
      defer { closeQuietly(file) }
      let isDirectory = try Status(of: file).isDirectory
      guard let place = try tree.paths.place(of: new) else { throw Failure("link", EEXIST) }
      if isDirectory {
        return Int(try attempt("link") { linkat(file, ".", place.directory, place.name, 0) })
      }
      guard let first = try tree.paths.place(of: old) else { throw Failure("link", ENOENT) }
      return Int(
        try attempt("link") {
          linkat(first.directory, first.name, place.directory, place.name, 0)
        })
    }
    // A directory has replaced the first name.
    return result == -Int(EPERM) ? -Int(EISDIR) : result
  }

  public mutating func unlink(_ path: [UInt8]) -> Int { remove("unlink", path, 0) }
  public mutating func rmdir(_ path: [UInt8]) -> Int { remove("rmdir", path, AT_REMOVEDIR) }

  public mutating func chown(_ path: [UInt8], _ user: UInt32, _ group: UInt32) -> Int {
    newFiles.forgetDirectory()
    guard isPrivileged else { return 0 }
    let heldRoot = heldRoot
    let result = call("fchownat", path) {
      fchownat($0.directory, $0.name, user, group, AT_SYMLINK_NOFOLLOW)
    } _: {
      if let heldRoot, heldRoot.isOpen(as: $0) { return heldRoot.keepOwner(user, group) }
      return fchown($0, user, group)
    }
    return keepingOwner(result)
  }

  public mutating func chmod(_ path: [UInt8], _ mode: UInt32) -> Int {
    newFiles.forgetDirectory()
    let permissions = permissions(mode)
    if mode & UInt32(S_IFMT) == UInt32(S_IFDIR) { return chmodDirectory(path, permissions) }
    // AT_SYMLINK_NOFOLLOW is no option: the C libraries need a mounted /proc for it.
    if UInt32(max(0, lstat(path))) & UInt32(S_IFMT) == UInt32(S_IFLNK) { return -Int(ELOOP) }
    let heldRoot = heldRoot
    return call("fchmodat", path) {
      fchmodat($0.directory, $0.name, permissions, 0)
    } _: {
      if let heldRoot, heldRoot.isOpen(as: $0) { return heldRoot.keepPermissions(permissions) }
      return fchmod($0, permissions)
    }
  }

  private mutating func chmodDirectory(_ path: [UInt8], _ permissions: UInt32) -> Int {
    result { tree throws(Failure) in
      guard let place = try tree.paths.place(of: path), !place.hasSlash else {
        let directory = try tree.paths.open(path, O_RDONLY | O_DIRECTORY)
        defer { closeQuietly(directory) }
        if let heldRoot = tree.heldRoot, heldRoot.isOpen(as: directory) {
          return Int(heldRoot.keepPermissions(permissions))
        }
        let usable = tree.usable(permissions, path)
        return Int(try attempt("fchmod") { fchmod(directory, usable) })
      }
      let usable = tree.usable(permissions, path)
      let directory = try openDirectory(place.name, in: place.directory)
      let result = fchmod(directory, usable)
      let code = linux_errno()
      // Its entries mostly come next.
      tree.paths.remember(directory, at: path)
      return result < 0 ? -Int(code) : 0
    }
  }

  /// Returns permissions with which an ordinary user can fill the directory until the end.
  private mutating func usable(_ permissions: UInt32, _ path: [UInt8]) -> UInt32 {
    if isPrivileged { return permissions }
    closed.removeAll { $0.path == path }
    if permissions & 0o700 != 0o700 { closed.append((path, permissions)) }
    return permissions | 0o700
  }

  public mutating func utime(_ path: [UInt8], _ time: Int64) -> Int {
    call("utimensat", path) { place in
      withBoth(time) { utimensat(place.directory, place.name, $0, AT_SYMLINK_NOFOLLOW) }
    } _: { file in
      withBoth(time) { futimens(file, $0) }
    }
  }

  /// Uses a descriptor for directories: the root is an entry of no other.
  public mutating func setxattr(_ path: [UInt8], _ xattr: Xattr) -> Int {
    newFiles.forgetDirectory()
    let name = cName(xattr.name)
    return result { tree throws(Failure) in
      let directory: Int32
      do throws(Failure) {
        directory = try tree.paths.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      } catch {
        guard error.code == ENOTDIR || error.code == ELOOP,
          let place = try tree.paths.place(of: path), !place.hasSlash
        else { throw error }
        return Int(
          try WorkingDirectory.call("setxattr", in: place.directory) {
            lsetxattr(place.name, name, xattr.value, xattr.value.count, 0)
          })
      }
      defer { closeQuietly(directory) }
      defer { tree.heldRoot?.closeAgain(directory) }
      return Int(
        try attempt("setxattr") {
          fsetxattr(directory, name, xattr.value, xattr.value.count, 0)
        })
    }
  }

  // MARK: Regular files

  public mutating func create(_ entry: Entry) -> Int {
    makeNew(entry) { tree, place throws(Failure) in
      try tree.newFiles.make(entry, in: place, tree.paths.generation)
    }
  }

  public mutating func open(_ path: [UInt8], truncating: Bool) -> Int {
    result { tree throws(Failure) in
      guard let place = try tree.paths.place(of: path), !place.hasSlash else {
        throw Failure("open", EISDIR)
      }
      do throws(Failure) {
        return Int(
          try attempt("open") {
            linux_openat(
              place.directory, place.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
          })
      } catch  where error.code == EEXIST {
        let status = try Status(of: place.name, in: place.directory)
        let flags = truncating ? O_TRUNC : 0
        return Int(
          status.isSymbolicLink
            ? try tree.openTarget(of: path, flags) : try tree.reopen(place, status, flags))
      }
    }
  }

  /// Opens a name that has become a hard link to a symbolic link: the kernel follows it.
  private func openTarget(of path: [UInt8], _ flags: Int32) throws(Failure) -> Int32 {
    do throws(Failure) {
      let file = try paths.open(path, LINUX_O_PATH)
      defer { closeQuietly(file) }
      try Self.refuseSpecial(try Status(of: file))
      return try paths.open(path, O_WRONLY | O_NONBLOCK | flags)
    } catch  where error.code == ENOENT {
      return try paths.open(path, O_WRONLY | O_CREAT, mode: 0o600)
    }
  }

  /// Refuses a name that has become a hard link to a device, fifo or socket: nothing is written to
  /// a device of this machine.
  private static func refuseSpecial(_ status: Status) throws(Failure) {
    if status.isDirectory { throw Failure("open", EISDIR) }
    if !status.isRegular { throw Failure("open", ENXIO) }
  }

  /// Opens an existing file without O_CREAT, a flag that /proc/sys/fs/protected_regular forbids for
  /// some files. An ordinary user first needs permission to write.
  private func reopen(
    _ place: RootedPlace, _ status: Status, _ flags: Int32
  ) throws(Failure) -> Int32 {
    try Self.refuseSpecial(status)
    if !isPrivileged { _ = fchmodat(place.directory, place.name, 0o600, 0) }
    return try attempt("open") {
      linux_openat(place.directory, place.name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | flags, 0)
    }
  }

  public mutating func chown(_ file: Int, _ user: UInt32, _ group: UInt32) -> Int {
    guard isPrivileged else { return 0 }
    return keepingOwner(result("fchown") { fchown(Int32(file), user, group) })
  }

  public mutating func chmod(_ file: Int, _ mode: UInt32) -> Int {
    result("fchmod") { fchmod(Int32(file), permissions(mode)) }
  }

  public mutating func truncate(_ file: Int, to size: UInt64) -> Int {
    result { tree throws(Failure) in
      try tree.newFiles.truncate(file, to: size)
      return 0
    }
  }

  public mutating func write(
    _ file: Int, _ bytes: UnsafeRawBufferPointer, at offset: UInt64
  ) -> Int {
    result { tree throws(Failure) in try tree.newFiles.write(file, bytes, at: offset) }
  }

  public mutating func setxattr(_ file: Int, _ xattr: Xattr) -> Int {
    newFiles.settleSize(of: file)
    let name = cName(xattr.name)
    return result("setxattr") {
      fsetxattr(Int32(file), name, xattr.value, xattr.value.count, 0)
    }
  }

  public mutating func utime(_ file: Int, _ time: Int64) -> Int {
    newFiles.settleSize(of: file)
    return result("futimens") { withBoth(time) { futimens(Int32(file), $0) } }
  }

  public mutating func close(_ file: Int) { newFiles.close(file) }

  private func result<Number: FixedWidthInteger & SignedInteger>(
    _ step: StaticString, _ call: () -> Number
  ) -> Int {
    do throws(Failure) { return Int(try attempt(step, call)) } catch { return -Int(error.code) }
  }
}

/// Calls `body` with `time` as access and modification time.
private func withBoth(_ time: Int64, _ body: (UnsafePointer<timespec>) -> Int32) -> Int32 {
  let one = timespec(tv_sec: Int(time), tv_nsec: 0)
  return withUnsafePointer(to: (one, one)) {
    $0.withMemoryRebound(to: timespec.self, capacity: 2, body)
  }
}
