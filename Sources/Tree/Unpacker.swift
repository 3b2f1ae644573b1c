// SPDX-License-Identifier: MIT

import CLinux
public import Newc

/// Makes a tree from the records of an initramfs, as the kernel does: init/initramfs.c, `do_name`,
/// `do_symlink`, `do_copy`.
///
/// No path leads out of the tree: it is resolved as if the tree's root were `/`. What the kernel
/// loses without a word (an entry whose directory is not there) is lost here too, and counted.
public final class Unpacker {
  /// An entry that is not in the tree, or not as the record says.
  public struct Loss: Equatable, Sendable {
    /// The entry's name.
    public var name: [UInt8]
    /// The call that did not succeed.
    public var step: [UInt8]
    /// A positive errno.
    public var code: Int32
  }

  /// The first losses; ``lossCount`` counts all of them.
  public private(set) var losses: [Loss] = []
  public private(set) var lossCount = 0
  /// Device nodes that were not made because only root may.
  public private(set) var deviceCount = 0
  /// Entries that did not get their owner, in a user namespace that does not know it.
  public internal(set) var ownerCount = 0

  let paths: RootedPaths
  let isPrivileged: Bool
  private let memoryLimit: Int
  /// Bytes, more or less, that are kept until the end, and those until the next trailer.
  private var kept = 0
  private var keptLinks = 0
  private var links = LinkTable()
  private var file: OpenFile?

  /// Directories with the times they get at the end.
  private var directories: [(name: [UInt8], time: UInt32)] = []
  /// Directories that an ordinary user could not fill if they had their permissions already.
  private var closed: [(name: [UInt8], permissions: UInt32)] = []

  /// - Parameters:
  ///   - root: the directory that the tree is made in, open for reading.
  ///   - isPrivileged: may change owners and make devices. Otherwise entries belong to the caller,
  ///     and have no setuid and setgid bits, for these would be the caller's.
  ///   - memoryLimit: how much may be kept of directories and hard links; a small image can have
  ///     any number of records. Above it there is ENOMEM.
  public init(into root: Int32, isPrivileged: Bool, memoryLimit: Int = 256 << 20) {
    paths = RootedPaths(root: root)
    self.isPrivileged = isPrivileged
    self.memoryLimit = memoryLimit
  }

  deinit { if let file { closeQuietly(file.descriptor) } }

  /// Makes one entry.
  ///
  /// - Parameter target: where a symbolic link leads.
  /// - Returns: whether ``write(_:)`` and ``endData()`` are to follow: a regular file was opened.
  /// - Throws: what is no fault of the archive, as a full file system.
  public func create(_ entry: Entry, target: [UInt8] = []) throws(Failure) -> Bool {
    do throws(Failure) {
      switch entry.type {
      case .regular: try createFile(entry)
      case .directory: try createDirectory(entry)
      case .symbolicLink: try createLink(entry, target)
      case .characterDevice, .blockDevice, .fifo, .socket: try createNode(entry)
      case nil: try clean(entry.name, keeping: entry.mode)
      }
    } catch {
      try lose(entry.name, error)
    }
    return file != nil
  }

  /// Forgets which names were hard links: the archive's trailer.
  public func forgetLinks() {
    links.removeAll()
    keptLinks = 0
  }

  /// The name under which the entry's file came first; nil if it comes now.
  private func firstName(of entry: Entry) throws(Failure) -> [UInt8]? {
    if let first = links.first(entry) { return first }
    keptLinks += entry.name.count + 64
    try refuseIfTooMuch()
    return nil
  }

  /// Ends the tree: open files are closed as they are, directories get their times.
  public func finish() throws(Failure) {
    try closeFile()
    // The kernel's list is last in, first out: of two records for one directory, the first counts.
    while let directory = directories.popLast() {
      do throws(Failure) {
        try setTime(of: directory.name, directory.time)
      } catch  where Self.isOrdinary(error.code) {}
    }
    while let directory = closed.popLast() {
      try passing { () throws(Failure) in
        let descriptor = try paths.open(directory.name, O_RDONLY | O_DIRECTORY)
        _ = fchmod(descriptor, directory.permissions)
        closeQuietly(descriptor)
      }
    }
  }

  private func refuseIfTooMuch() throws(Failure) {
    guard kept + keptLinks <= memoryLimit else { throw Failure("unpack", ENOMEM) }
  }

  // MARK: What the kernel passes over

  /// What an archive can lead to on an empty file system that works; the kernel does not look at it.
  private static func isOrdinary(_ code: Int32) -> Bool {
    switch code {
    case ENOENT, ENOTDIR, EISDIR, EEXIST, ENOTEMPTY, ENAMETOOLONG, ELOOP, EBUSY, EINVAL: true
    default: false
    }
  }

  private func lose(_ name: [UInt8], _ failure: Failure) throws(Failure) {
    guard Self.isOrdinary(failure.code) else {
      var named = failure
      if named.name.isEmpty { named.name = name }
      throw named
    }
    lossCount += 1
    if losses.count < 8 {
      let step = failure.step.withUTF8Buffer { [UInt8]($0) }
      losses.append(Loss(name: name, step: step, code: failure.code))
    }
  }

  /// Goes on where the kernel goes on.
  func passing(_ body: () throws(Failure) -> Void) throws(Failure) {
    do throws(Failure) { try body() } catch  where Self.isOrdinary(error.code) {}
  }

  // MARK: Regular files

  private func createFile(_ entry: Entry) throws(Failure) {
    var isLinked = false
    if entry.linkCount >= 2 {
      try clean(entry.name, keeping: entry.mode)
      if let first = try firstName(of: entry) {
        try link(first, to: entry.name)
        isLinked = true
      }
    }
    let descriptor = try openFile(entry, truncating: !isLinked)
    let opened = OpenFile(descriptor: descriptor, entry: entry)
    file = opened
    do throws(Failure) {
      try setOwner(of: descriptor, entry)
      try attempt("fchmod") { fchmod(descriptor, permissions(entry)) }
      if isLinked, entry.size > 0 { try opened.truncate() }
    } catch {
      closeQuietly(descriptor)
      file = nil
      throw error
    }
  }

  private func openFile(_ entry: Entry, truncating: Bool) throws(Failure) -> Int32 {
    guard let spot = try paths.spot(of: entry.name), !spot.hasSlash else {
      // open(2) with O_CREAT, whatever is there.
      try clean(entry.name, keeping: entry.mode)
      throw Failure("open", EISDIR)
    }
    if truncating {
      do throws(Failure) {
        return try create(spot)
      } catch  where error.code == EEXIST {
        try clean(entry.name, keeping: entry.mode)
      }
      // Cleaning may have forgotten the directory.
      guard let spot = try paths.spot(of: entry.name) else { throw Failure("open", EISDIR) }
      do throws(Failure) {
        return try create(spot)
      } catch  where error.code == EEXIST {
        return try reopen(spot, O_TRUNC)
      }
    }
    return try reopen(spot, 0)
  }

  private func create(_ spot: RootedPaths.Spot) throws(Failure) -> Int32 {
    try attempt("open") {
      linux_openat(spot.directory, spot.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    }
  }

  /// Without O_CREAT, which /proc/sys/fs/protected_regular forbids for some files that are there.
  /// An ordinary user must first be allowed to write.
  private func reopen(_ spot: RootedPaths.Spot, _ flags: Int32) throws(Failure) -> Int32 {
    if !isPrivileged { _ = fchmodat(spot.directory, spot.name, 0o600, AT_SYMLINK_NOFOLLOW) }
    return try attempt("open") {
      linux_openat(spot.directory, spot.name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | flags, 0)
    }
  }

  /// Writes the next bytes of the file that was opened last.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    guard let file else { return }
    try file.write(bytes)
  }

  /// Ends the file that was opened last: all of its data has come.
  public func endData() throws(Failure) {
    guard let file else { return }
    defer {
      closeQuietly(file.descriptor)
      self.file = nil
    }
    let times = both(file.time)
    try file.named { () throws(Failure) in
      try attempt("futimens") { futimens(file.descriptor, times) }
    }
  }

  /// The image ends here, or is refused: the file has its size all the same.
  private func closeFile() throws(Failure) {
    guard let file else { return }
    if file.isComplete { return try endData() }
    defer {
      closeQuietly(file.descriptor)
      self.file = nil
    }
    try file.truncate()
  }

  // MARK: The other types

  private func createDirectory(_ entry: Entry) throws(Failure) {
    kept += entry.name.count + 64
    try refuseIfTooMuch()
    directories.append((entry.name, entry.modificationTime))
    guard let spot = try paths.spot(of: entry.name), !spot.hasSlash else {
      return try createDirectoryOddly(entry)
    }
    do throws(Failure) {
      try makeDirectory(spot)
    } catch  where error.code == EEXIST {
      try clean(entry.name, keeping: entry.mode)
      if let spot = try paths.spot(of: entry.name) {
        try passing { () throws(Failure) in try makeDirectory(spot) }
      }
    }

    guard let spot = try paths.spot(of: entry.name) else { return }
    if !isPrivileged { _ = fchmodat(spot.directory, spot.name, 0o700, AT_SYMLINK_NOFOLLOW) }
    let directory = try attempt("open") {
      linux_openat(spot.directory, spot.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
    }
    do throws(Failure) {
      try settle(directory, entry)
    } catch {
      closeQuietly(directory)
      throw error
    }
    var path = entry.name[...]
    while path.first == UInt8(ascii: "/") { path.removeFirst() }
    paths.remember(directory, at: [UInt8](path))
  }

  private func makeDirectory(_ spot: RootedPaths.Spot) throws(Failure) {
    try attempt("mkdir") { mkdirat(spot.directory, spot.name, 0o700) }
  }

  /// The root itself, or a name with a slash behind it.
  private func createDirectoryOddly(_ entry: Entry) throws(Failure) {
    try clean(entry.name, keeping: entry.mode)
    if let spot = try paths.spot(of: entry.name) {
      try passing { () throws(Failure) in try makeDirectory(spot) }
    }
    let directory = try paths.open(entry.name, O_RDONLY | O_DIRECTORY)
    defer { closeQuietly(directory) }
    try settle(directory, entry)
  }

  private func settle(_ directory: Int32, _ entry: Entry) throws(Failure) {
    try setOwner(of: directory, entry)
    var mode = permissions(entry)
    if !isPrivileged {
      closed.removeAll { $0.name == entry.name }
      if mode & 0o700 != 0o700 { closed.append((entry.name, mode)) }
      mode |= 0o700
    }
    try attempt("fchmod") { fchmod(directory, mode) }
  }

  private func createLink(_ entry: Entry, _ target: [UInt8]) throws(Failure) {
    var text = target.map { CChar(bitPattern: $0) }
    text.append(0)
    var failure: Failure?
    if let spot = try paths.spot(of: entry.name) {
      do throws(Failure) {
        try attempt("symlink") { symlinkat(text, spot.directory, spot.name) }
      } catch {
        // What was there goes, even if the new one cannot be.
        try clean(entry.name, keeping: 0)
        guard let spot = try paths.spot(of: entry.name) else { return }
        do throws(Failure) {
          try attempt("symlink") { symlinkat(text, spot.directory, spot.name) }
        } catch let second {
          failure = second
        }
      }
    } else {
      failure = Failure("symlink", EEXIST)
    }
    // A directory that could not be removed gets them, too.
    try passing { () throws(Failure) in
      try setOwner(of: entry.name, entry)
      try setTime(of: entry.name, entry.modificationTime)
    }
    if let failure { throw failure }
  }

  private func createNode(_ entry: Entry) throws(Failure) {
    try clean(entry.name, keeping: entry.mode)
    if entry.linkCount >= 2, let first = try firstName(of: entry) {
      return try link(first, to: entry.name)
    }
    var failure: Failure?
    if let spot = try paths.spot(of: entry.name) {
      do throws(Failure) {
        try makeNode(entry, spot)
      } catch {
        let isDevice = entry.type == .characterDevice || entry.type == .blockDevice
        if error.code == EPERM, isDevice {
          deviceCount += 1
          return
        }
        // One of the same type, whose number stays: the record gives it the rest.
        let there = error.code == EEXIST ? try status(of: entry.name) : nil
        if there?.type != entry.mode & UInt32(S_IFMT) { failure = error }
      }
    } else {
      failure = Failure("mknod", EEXIST)
    }
    try passing { () throws(Failure) in
      try setOwner(of: entry.name, entry)
      try setPermissions(of: entry.name, entry)
      try setTime(of: entry.name, entry.modificationTime)
    }
    if let failure { throw failure }
  }

  private func makeNode(_ entry: Entry, _ spot: RootedPaths.Spot) throws(Failure) {
    let isDevice = entry.type == .characterDevice || entry.type == .blockDevice
    let device =
      isDevice ? linux_makedev(entry.specialDevice.major, entry.specialDevice.minor) : 0
    try attempt("mknod") {
      mknodat(spot.directory, spot.name, entry.mode & UInt32(S_IFMT) | 0o600, device)
    }
  }
}
