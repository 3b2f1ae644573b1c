// SPDX-License-Identifier: MIT

import CLinux

/// Keeps hard links together while their names move one by one.
///
/// Each file of several names gets one more, in a directory of our own at the root of either tree:
/// its inode number in the source, in hexadecimal. So the directory in the target is the table of
/// the files already met. Data moves last, after all names: until then, and while it moves, every
/// step can be taken back by linking the names again.
final class HardLinks {
  /// The directory's name in both roots.
  static var directoryName: [CChar] { cName(".leafroot-links") }

  /// A file that has a name in the target: its inode there, and the directory entry's.
  private struct File {
    let inode: UInt64
    let key: [CChar]
  }

  private let sourceRoot: Int32
  private let targetRoot: Int32
  private let source: Int32
  private let target: Int32

  /// For the way back, by inode in the target.
  private var files: [File] = []

  /// Whether all data have moved: nothing of this table is needed any more.
  private(set) var isComplete = false

  /// How many of the two directories have been removed.
  private var dissolved: Int = 0

  /// Makes the two directories in the roots `source` and `target`.
  init(source: Int32, target: Int32) throws(Failure) {
    sourceRoot = source
    targetRoot = target
    self.source = try Self.makeDirectory(in: source)
    do throws(Failure) {
      self.target = try Self.makeDirectory(in: target)
    } catch {
      closeQuietly(self.source)
      _ = unlinkat(source, Self.directoryName, AT_REMOVEDIR)
      throw error
    }
  }

  deinit {
    closeQuietly(source)
    closeQuietly(target)
  }

  private static func makeDirectory(in root: Int32) throws(Failure) -> Int32 {
    try attempt("mkdir") { mkdirat(root, directoryName, 0o700) }
    do throws(Failure) {
      return try attempt("open") {
        linux_openat(root, directoryName, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
      }
    } catch {
      _ = unlinkat(root, directoryName, AT_REMOVEDIR)
      throw error
    }
  }

  /// Moves one name of a file that has several.
  func moveName(from old: Place, _ status: Status, to new: Place) throws(Failure) {
    let key = hexadecimal(status.inode)
    do throws(Failure) {
      try attempt("link") { linkat(target, key, new.directory, new.name, 0) }
    } catch {
      // Not met before.
      guard error.code == ENOENT else { throw error }
      try admit(old, status, key)
      try attempt("link") { linkat(target, key, new.directory, new.name, 0) }
    }

    do throws(Failure) {
      try attempt("unlink") { unlinkat(old.directory, old.name, 0) }
    } catch {
      _ = unlinkat(new.directory, new.name, 0)
      throw error
    }
  }

  /// The first name of a file: makes the file in the target, without its data.
  private func admit(_ place: Place, _ status: Status, _ key: [CChar]) throws(Failure) {
    let copy = Place(directory: target, name: key)
    try attempt("link") { linkat(place.directory, place.name, source, key, 0) }
    do throws(Failure) {
      if status.isRegular {
        let file = try attempt("create") {
          linux_openat(target, key, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
        }
        closeQuietly(file)
      } else {
        try createSpecial(copy, like: place, status)
        try copyMetadata(from: place, status, to: copy)
      }
    } catch {
      _ = unlinkat(target, key, 0)
      _ = unlinkat(source, key, 0)
      // readlink(2) has changed its access time.
      try? setTimes(of: place, status)
      throw error
    }
  }

  /// Moves data and metadata of each regular file; all names have moved.
  ///
  /// - Returns: bytes moved.
  func moveFiles() throws(Failure) -> Int {
    var bytes: Int = 0
    var keys = try Listing(of: source)
    while let key = try keys.next() {
      let status = try Status(of: key, in: source)
      guard status.isRegular else { continue }
      try moveFile(key, status)
      bytes += status.size
    }
    isComplete = true
    return bytes
  }

  private func moveFile(_ key: [CChar], _ status: Status) throws(Failure) {
    let from = try Source(Place(directory: source, name: key), mayBeCut: status.size > 0)
    defer { closeQuietly(from.descriptor) }
    let to = try open(key, in: target)
    defer { closeQuietly(to) }

    let attributes = try Attributes(of: from.descriptor)
    do throws(Failure) {
      try moveContents(from: from, status, attributes, to: to)
      do throws(Failure) {
        try setMetadata(of: to, status, attributes)
        // Its names in the source are gone, but for ours.
        if from.isCut { try attempt("ftruncate") { ftruncate(from.descriptor, 0) } }
      } catch {
        try returnContents(from: to, to: from, status, attributes)
        throw error
      }
    } catch {
      // By its size `returnFiles` knows that nothing is in it.
      if !error.tearsFile { _ = ftruncate(to, 0) }
      throw error
    }
  }

  /// Takes `moveFiles` back as far as it came, and makes ready for `returnName`.
  func returnFiles() throws(Failure) {
    var keys = try Listing(of: target)
    while let key = try keys.next() {
      let there = try Status(of: key, in: target)
      files.append(File(inode: there.inode, key: key))

      // Of size 0, its content has not moved yet.
      if there.isRegular && there.size == 0 { continue }
      let here = try Status(of: key, in: source)
      if there.isRegular && here.size < there.size {
        try returnFile(key, there)
      } else {
        try setTimes(of: Place(directory: source, name: key), there)
      }
    }
    files.sort { $0.inode < $1.inode }
  }

  /// Gives a file that never lost its place in the source its name there again.
  func returnName(from old: Place, _ status: Status, to new: Place) throws(Failure) {
    var (low, high) = (0, files.count)
    while low < high {
      let middle = (low + high) / 2
      if files[middle].inode < status.inode { low = middle + 1 } else { high = middle }
    }
    guard low < files.count, files[low].inode == status.inode else {
      throw Failure("link", ENOENT)
    }

    try attempt("link") { linkat(source, files[low].key, new.directory, new.name, 0) }
    try attempt("unlink") { unlinkat(old.directory, old.name, 0) }
  }

  /// Removes both directories and the names in them, or what an attempt that failed has left.
  func dissolve() throws(Failure) {
    let directories = [(source, sourceRoot), (target, targetRoot)]
    while dissolved < directories.count {
      let (directory, root) = directories[dissolved]
      try empty(directory)
      try attempt("rmdir") { unlinkat(root, Self.directoryName, AT_REMOVEDIR) }
      dissolved += 1
    }
  }

  private func returnFile(_ key: [CChar], _ status: Status) throws(Failure) {
    let from = try open(key, in: target)
    defer { closeQuietly(from) }
    let to = try Source(Place(directory: source, name: key), mayBeCut: true)
    defer { closeQuietly(to.descriptor) }

    let attributes = try Attributes(of: from)
    try returnContents(from: from, to: to, status, attributes, isEmptied: true)
    _ = ftruncate(from, 0)
  }

  private func open(_ key: [CChar], in directory: Int32) throws(Failure) -> Int32 {
    try attempt("open") { linux_openat(directory, key, O_RDWR | O_NOFOLLOW, 0) }
  }
}
