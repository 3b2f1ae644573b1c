// SPDX-License-Identifier: MIT

import CLinux

/// Keeps hard links together while their names move one by one.
///
/// While the names of a file move, one of them is in a directory of our own at the root of each
/// tree. This name, the key, is the inode number in the tree being left, in hexadecimal. The
/// directory in the target is thus the table of the files already met.
///
/// tmpfs counts each name as an inode (mm/shmem.c, shmem_link()), so neither tree may ever have
/// more names than the whole one: the first name that leaves becomes the key in the source, and the
/// key in the target becomes the last name that arrives. The data move with the last name; until
/// then, each step is undone by moving names alone.
final class HardLinks {
  /// The directory's name in both roots.
  static var directoryName: [CChar] { cName(".leafroot-links") }

  /// The result of moving one name.
  struct Moved {
    /// Bytes of the file's content.
    var bytes = 0
    var endsInHole = false
  }

  /// One of the two trees: its root, and the directory in it.
  private struct Side {
    let root: Int32
    let directory: Int32
  }

  /// The first byte of a key: the run it belongs to. Each run identifies files by their inode
  /// numbers in the tree they leave, so both runs may use the same number.
  private enum Mark {
    static var wayThere: CChar { 0x3e }
    static var wayBack: CChar { 0x3c }

    /// On the way back: a file that the way there left with names in both trees. Its content is
    /// where it was; only names return.
    static var begun: CChar { 0x3d }
  }

  private var source: Side
  private var target: Side
  private var isTurnedAround = false

  /// Whether all data have moved, so that this table is no longer needed.
  private(set) var isComplete = false

  /// How many of the two directories have been removed.
  private var dissolved: Int = 0

  /// Makes the two directories in the roots `source` and `target`.
  init(source: Int32, target: Int32) throws(Failure) {
    self.source = try Self.makeSide(in: source)
    do throws(Failure) {
      self.target = try Self.makeSide(in: target)
    } catch {
      closeQuietly(self.source.directory)
      _ = unlinkat(source, Self.directoryName, AT_REMOVEDIR)
      throw error
    }
  }

  deinit {
    closeQuietly(source.directory)
    closeQuietly(target.directory)
  }

  private static func makeSide(in root: Int32) throws(Failure) -> Side {
    try attempt("mkdir") { mkdirat(root, directoryName, 0o700) }
    do throws(Failure) {
      return Side(root: root, directory: try openDirectory(directoryName, in: root))
    } catch {
      _ = unlinkat(root, directoryName, AT_REMOVEDIR)
      throw error
    }
  }

  /// Moves one name of a file that has several.
  func moveName(from old: Place, _ status: Status, to new: Place) throws(Failure) -> Moved {
    if isTurnedAround {
      let key = key(Mark.begun, status)
      if let moved = try moveKnown(from: old, status, to: new, key, hasContent: false) {
        return moved
      }
    }

    let key = key(mark, status)
    if let moved = try moveKnown(from: old, status, to: new, key, hasContent: true) {
      return moved
    }
    try moveFirst(from: old, status, to: new, key)
    return Moved()
  }

  /// Moves a name of a file that was met before.
  ///
  /// - Returns: nil if it was not.
  private func moveKnown(
    from old: Place, _ status: Status, to new: Place, _ key: [CChar], hasContent: Bool
  ) throws(Failure) -> Moved? {
    if status.links == 2 {
      // The other name is the key, or it is still in the tree and there is no key.
      let isMet = try finds("rename") {
        linux_rename(target.directory, key, new.directory, new.name)
      }
      return isMet ? try moveLast(from: old, status, to: new, key, hasContent: hasContent) : nil
    }

    let isMet = try finds("link") {
      linkat(target.directory, key, new.directory, new.name, 0)
    }
    if !isMet { return nil }
    try moveNext(from: old, to: new)
    return Moved()
  }

  /// Moves the first name: creates the file in the target, without data, under the key and this
  /// name.
  private func moveFirst(
    from old: Place, _ status: Status, to new: Place, _ key: [CChar]
  ) throws(Failure) {
    let copy = Place(directory: target.directory, name: key)
    do throws(Failure) {
      try create(copy, like: old, status)
      do throws(Failure) {
        try attempt("link") { linkat(copy.directory, key, new.directory, new.name, 0) }
        do throws(Failure) {
          try attempt("rename") {
            linux_rename(old.directory, old.name, source.directory, key)
          }
        } catch {
          _ = unlinkat(new.directory, new.name, 0)
          throw error
        }
      } catch {
        _ = unlinkat(copy.directory, key, 0)
        throw error
      }
    } catch {
      // readlink(2) has changed its access time.
      if status.isSymbolicLink { try? setTimes(of: old, status) }
      throw error
    }
  }

  private func create(_ copy: Place, like place: Place, _ status: Status) throws(Failure) {
    if status.isRegular {
      let file = try attempt("create") {
        linux_openat(copy.directory, copy.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
      }
      return closeQuietly(file)
    }

    try createSpecial(copy, like: place, status)
    do throws(Failure) {
      try copyMetadata(from: place, status, to: copy)
    } catch {
      _ = unlinkat(copy.directory, copy.name, 0)
      throw error
    }
  }

  /// Moves a name that is neither the first nor the last. It is in the target already.
  private func moveNext(from old: Place, to new: Place) throws(Failure) {
    do throws(Failure) {
      try attempt("unlink") { unlinkat(old.directory, old.name, 0) }
    } catch {
      _ = unlinkat(new.directory, new.name, 0)
      throw error
    }
  }

  /// Moves the last name, which was the key in the target until now. Without its key, the file in
  /// the source has a single name.
  private func moveLast(
    from old: Place, _ status: Status, to new: Place, _ key: [CChar], hasContent: Bool
  ) throws(Failure) -> Moved {
    do throws(Failure) {
      try attempt("unlink") { unlinkat(source.directory, key, 0) }
      do throws(Failure) {
        if hasContent && status.isRegular {
          let endsInHole = try moveRegularFile(from: old, status, to: new, isThere: true)
          return Moved(bytes: status.size, endsInHole: endsInHole)
        }
        try attempt("unlink") { unlinkat(old.directory, old.name, 0) }
        return Moved()
      } catch {
        _ = linkat(old.directory, old.name, source.directory, key, 0)
        throw error
      }
    } catch {
      _ = linux_rename(new.directory, new.name, target.directory, key)
      throw error
    }
  }

  /// Whether a file still has names outside the tree. All names in the tree have moved.
  func hasRest() throws(Failure) -> Bool {
    var keys = try Listing(of: source.directory)
    return try keys.next() != nil
  }

  /// Moves data and metadata of each regular file that still has names outside the tree. All names
  /// in the tree have moved.
  ///
  /// - Returns: the number of bytes moved.
  func moveRest() throws(Failure) -> Int {
    var bytes: Int = 0
    var keys = try Listing(of: source.directory)
    while let key = try keys.next() {
      let status = try Status(of: key, in: source.directory)
      guard status.isRegular && isOfThisRun(key) else { continue }
      try moveFile(key, status)
      bytes += status.size
    }
    isComplete = true
    return bytes
  }

  private func moveFile(_ key: [CChar], _ status: Status) throws(Failure) {
    let place = Place(directory: source.directory, name: key)
    let from = try Source(place, mayBeCut: status.size > 0)
    defer { closeQuietly(from.descriptor) }
    let to = try open(key, in: target)
    defer { closeQuietly(to) }

    let attributes = try Attributes(of: from.descriptor)
    do throws(Failure) {
      _ = try Tree.moveFile(from: from, status, attributes, to: to, removing: nil)
    } catch {
      // `turnAround` tells by the size that the file is empty.
      if !error.tearsFile { _ = ftruncate(to, 0) }
      throw error
    }
  }

  /// Prepares the way back: undoes what `moveRest` did, and swaps source and target.
  func turnAround() throws(Failure) {
    var keys = try Listing(of: target.directory)
    while let key = try keys.next() {
      // A key that was already renamed may be listed again.
      guard isOfThisRun(key) else { continue }
      let there = try Status(of: key, in: target.directory)
      try returnFile(key, there)

      let begun = self.key(Mark.begun, there)
      for directory in [source.directory, target.directory] {
        try attempt("rename") { linux_rename(directory, key, directory, begun) }
      }
    }
    (source, target) = (target, source)
    isTurnedAround = true
  }

  private func returnFile(_ key: [CChar], _ status: Status) throws(Failure) {
    // With size 0, its content has not moved yet.
    if status.isRegular && status.size == 0 { return }
    let place = Place(directory: source.directory, name: key)
    let here = try Status(of: key, in: source.directory)
    guard status.isRegular && here.size < status.size else {
      return try setTimes(of: place, status)
    }

    let from = try open(key, in: target)
    defer { closeQuietly(from) }
    let to = try Source(place, mayBeCut: true)
    defer { closeQuietly(to.descriptor) }

    let attributes = try Attributes(of: from)
    try returnContents(from: from, to: to, status, attributes, start: 0)
    _ = ftruncate(from, 0)
  }

  /// Removes both directories and the names in them, or what a failed attempt left of them.
  func dissolve() throws(Failure) {
    let sides = [source, target]
    while dissolved < sides.count {
      let side = sides[dissolved]
      try empty(side.directory)
      try attempt("rmdir") { unlinkat(side.root, Self.directoryName, AT_REMOVEDIR) }
      dissolved += 1
    }
  }

  private func key(_ mark: CChar, _ status: Status) -> [CChar] {
    [mark] + hexadecimal(status.inode)
  }

  private var mark: CChar { isTurnedAround ? Mark.wayBack : Mark.wayThere }

  private func isOfThisRun(_ key: [CChar]) -> Bool { key[0] == mark }

  /// Whether a call finds its key, which exists only if the file has been met.
  private func finds(_ step: StaticString, _ call: () -> Int32) throws(Failure) -> Bool {
    do throws(Failure) {
      try attempt(step, call)
      return true
    } catch {
      guard error.code == ENOENT else { throw error }
      return false
    }
  }

  private func open(_ key: [CChar], in side: Side) throws(Failure) -> Int32 {
    try attempt("open") { linux_openat(side.directory, key, O_RDWR | O_NOFOLLOW, 0) }
  }
}
