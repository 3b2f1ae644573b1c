// SPDX-License-Identifier: MIT

import CLinux
import Newc
import Tree

/// Makes regular files with few system calls: most have their owner and permissions when they are
/// made, and get their size with their content.
struct NewFiles {
  /// What the last file got from its directory, and the next one gets; nil if that may have changed.
  private var usual: Usual?
  /// The open file; nil if it existed before.
  private var file: Int?
  /// The size that this file does not have yet; nil if it has it.
  private var missingSize: UInt64?

  /// Most files of at most this size, in bytes, get all of their content in one write.
  private static var smallSize: UInt64 { 64 << 10 }

  /// Makes a file, open for writing.
  ///
  /// - Parameter generation: changes when the descriptor of `place` may be another directory.
  mutating func make(
    _ entry: Entry, in place: RootedPlace, _ generation: Int
  ) throws(Failure) -> Int {
    let file = try attempt("open") {
      linux_openat(
        place.directory, place.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, entry.mode & 0o7777)
    }
    let expected = Usual(entry, in: place, generation)
    if usual?.covers(expected) != true {
      do throws(Failure) {
        usual = try Self.complete(file, entry) ? nil : expected
      } catch {
        _ = unlinkat(place.directory, place.name, 0)
        throw error
      }
    }
    self.file = Int(file)
    return Int(file)
  }

  /// Makes a directory, open for reading.
  static func makeDirectory(_ entry: Entry, in place: RootedPlace) throws(Failure) -> Int32 {
    try attempt("mkdir") { mkdirat(place.directory, place.name, entry.mode & 0o7777) }
    do throws(Failure) {
      let directory = try openDirectory(place.name, in: place.directory)
      _ = try complete(directory, entry)
      return directory
    } catch {
      _ = unlinkat(place.directory, place.name, AT_REMOVEDIR)
      throw error
    }
  }

  /// Looks at the next file that is made, for a directory may give it another owner or mode.
  mutating func forgetDirectory() { usual = nil }

  /// Gives a new file or directory the owner and permissions that it does not have yet: its
  /// directory and the umask may have changed them, and fchown(2) removes setuid and setgid bits.
  ///
  /// - Returns: whether anything had to be set.
  /// - Throws: ``Failure``; `file` is then closed.
  private static func complete(_ file: Int32, _ entry: Entry) throws(Failure) -> Bool {
    do throws(Failure) { return try set(file, entry) } catch {
      closeQuietly(file)
      throw error
    }
  }

  private static func set(_ file: Int32, _ entry: Entry) throws(Failure) -> Bool {
    let status = try Status(of: file)
    let permissions = entry.mode & 0o7777
    var isDifferent = status.mode & 0o7777 != permissions
    let isForeign = status.user != entry.userID || status.group != entry.groupID
    if isForeign {
      try attempt("fchown") { fchown(file, entry.userID, entry.groupID) }
      isDifferent = isDifferent || permissions & 0o6000 != 0
    }
    if isDifferent { try attempt("fchmod") { fchmod(file, permissions) } }
    return isForeign || isDifferent
  }

  // MARK: Size

  mutating func truncate(_ file: Int, to size: UInt64) throws(Failure) {
    if file == self.file, size <= Self.smallSize {
      missingSize = size
    } else {
      try attempt("ftruncate") { ftruncate(Int32(file), Int(size)) }
    }
  }

  /// - Returns: the number of bytes written.
  mutating func write(
    _ file: Int, _ bytes: UnsafeRawBufferPointer, at offset: UInt64
  ) throws(Failure) -> Int {
    let isWhole = offset == 0 && missingSize == UInt64(bytes.count)
    if !isWhole { settleSize(of: file) }
    let count = try attempt("pwrite") {
      pwrite(Int32(file), bytes.baseAddress, bytes.count, Int(offset))
    }
    if isWhole, count == bytes.count { missingSize = nil }
    return count
  }

  /// Sets the size that the file would otherwise get from its content.
  @inline(never)
  mutating func settleSize(of file: Int) {
    if let size = missingSize.take() { _ = ftruncate(Int32(file), Int(size)) }
  }

  mutating func close(_ file: Int) {
    settleSize(of: file)
    self.file = nil
    closeQuietly(Int32(file))
  }
}

/// Owner and permissions that new files of one directory have without further calls.
private struct Usual {
  private let directory: Int32
  private let generation: Int
  private let user: UInt32
  private let group: UInt32
  private let permissions: UInt32

  init(_ entry: Entry, in place: RootedPlace, _ generation: Int) {
    directory = place.directory
    self.generation = generation
    user = entry.userID
    group = entry.groupID
    permissions = entry.mode & 0o7777
  }

  /// Whether a file gets `other` as well: the directory and the umask only take permissions away.
  func covers(_ other: Usual) -> Bool {
    directory == other.directory && generation == other.generation && user == other.user
      && group == other.group && other.permissions & ~permissions == 0
  }
}
