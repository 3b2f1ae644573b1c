// SPDX-License-Identifier: MIT

import CLinux

/// Moves a regular file to another file system: to a place where nothing exists yet, or to an empty
/// file (`isThere`). Whatever fails, the file is whole in one of the two places afterwards; an
/// existing target is empty again.
///
/// - Returns: whether the file ends in a hole.
func moveRegularFile(
  from source: Place, _ status: Status, to target: Place, isThere: Bool = false
) throws(Failure) -> Bool {
  let from = try Source(source, mayBeCut: status.size > Piece.size)
  defer { closeQuietly(from.descriptor) }
  let attributes = try Attributes(of: from.descriptor)

  let creation = isThere ? 0 : O_CREAT | O_EXCL
  let to = try attempt(isThere ? "open" : "create") {
    linux_openat(target.directory, target.name, O_RDWR | O_NOFOLLOW | creation, 0o600)
  }
  defer { closeQuietly(to) }

  do throws(Failure) {
    return try moveFile(from: from, status, attributes, to: to, removing: source)
  } catch {
    if !error.tearsFile {
      if isThere {
        _ = ftruncate(to, 0)
      } else {
        _ = unlinkat(target.directory, target.name, 0)
      }
    }
    throw error
  }
}

/// Replaces content and metadata of a regular file, and so of all its names, with those of another
/// one, which stays.
func overwriteRegularFile(
  at target: Place, with source: Place, _ status: Status
) throws(Failure) {
  let from = try Source(source, mayBeCut: false)
  defer { closeQuietly(from.descriptor) }
  let to = try attempt("open") {
    linux_openat(target.directory, target.name, O_WRONLY | O_TRUNC | O_NOFOLLOW, 0)
  }
  defer { closeQuietly(to) }

  try copy(0..<status.size, from: from.descriptor, to: to)
  try setMetadata(of: to, status, Attributes(of: from.descriptor))
}

/// A regular file whose content is being moved.
struct Source {
  let descriptor: Int32

  /// Whether copied data are truncated away. Not for a running program, such as a usermode helper
  /// that the kernel started meanwhile. Its file is in memory twice until it ends.
  let isCut: Bool

  /// Opens the file, for writing only if it is to be truncated.
  init(_ place: Place, mayBeCut: Bool) throws(Failure) {
    do throws(Failure) {
      descriptor = try Source.open(place, mayBeCut ? O_RDWR : O_RDONLY)
      isCut = mayBeCut
    } catch {
      guard mayBeCut && error.code == ETXTBSY else { throw error }
      descriptor = try Source.open(place, O_RDONLY)
      isCut = false
    }
  }

  private static func open(_ place: Place, _ access: Int32) throws(Failure) -> Int32 {
    try attempt("open") { linux_openat(place.directory, place.name, access | O_NOFOLLOW, 0) }
  }
}

/// Moves data and metadata of `source` to the empty file `target`, then removes the source's
/// `name`, or leaves an empty file if `name` is nil. After a failure everything is in the source
/// again.
///
/// `attributes` were read from the source before: write(2) and ftruncate(2) remove
/// security.capability.
///
/// - Returns: whether the file ends in a hole.
@inline(never)
func moveFile(
  from source: Source, _ status: Status, _ attributes: Attributes, to target: Int32,
  removing name: Place?
) throws(Failure) -> Bool {
  let endsInHole = try moveContents(from: source, status, attributes, to: target)
  do throws(Failure) {
    try setMetadata(of: target, status, attributes)
    if let name {
      try attempt("unlink") { unlinkat(name.directory, name.name, 0) }
    } else if source.isCut {
      try attempt("ftruncate") { ftruncate(source.descriptor, 0) }
    }
  } catch {
    try returnContents(from: target, to: source, status, attributes, start: Piece.size)
    throw error
  }
  return endsInHole
}

/// Moves the data from the end, truncating each piece away as soon as it is copied, so that no more
/// than one piece is in memory twice. Truncating also works on ramfs, which cannot punch holes. The
/// first piece stays until the file is removed. Holes stay holes.
private func moveContents(
  from source: Source, _ status: Status, _ attributes: Attributes, to target: Int32
) throws(Failure) -> Bool {
  let last = Piece.last(of: status.size)
  var piece = last
  var endsInHole = false

  do throws(Failure) {
    let data = try DataRanges(of: source.descriptor, status)
    if status.isSparse { try attempt("ftruncate") { ftruncate(target, status.size) } }

    while true {
      let end = try copy(data, in: piece, from: source.descriptor, to: target)
      if piece == last { endsInHole = end < status.size }
      if piece.lowerBound == 0 { return endsInHole }

      if end > piece.lowerBound && source.isCut {
        try attempt("ftruncate") { ftruncate(source.descriptor, piece.lowerBound) }
      }
      piece = piece.lowerBound - Piece.size..<piece.lowerBound
    }
  } catch {
    // This piece is still whole in the source; those after it are only in the target.
    try returnContents(
      from: target, to: source, status, attributes, start: piece.lowerBound + Piece.size)
    throw error
  }
}

/// Moves the pieces from `start` on back, in ascending order, freeing each as soon as it is copied,
/// so the file needs no more memory than before. A file that was not truncated has only lost its
/// times.
func returnContents(
  from target: Int32, to source: Source, _ status: Status, _ attributes: Attributes, start: Int
) throws(Failure) {
  do throws(Failure) {
    if source.isCut {
      if start < status.size {
        try returnPieces(from: target, to: source.descriptor, status, start: start)
      }
      if status.isSparse {
        try attempt("ftruncate") { ftruncate(source.descriptor, status.size) }
      }
      try attributes.set(on: source.descriptor)
    }
    try setTimes(of: source.descriptor, status)
  } catch {
    var torn = error
    torn.tearsFile = source.isCut
    throw torn
  }
}

private func returnPieces(
  from target: Int32, to source: Int32, _ status: Status, start: Int
) throws(Failure) {
  let data = try DataRanges(of: target, status)
  var start = start
  while start < status.size {
    let piece = start..<min(start + Piece.size, status.size)
    let end = try copy(data, in: piece, from: target, to: source)
    if end > start { _ = linux_punch_hole(target, start, piece.count) }
    start = piece.upperBound
  }
}

/// A part of a file, the most that may be in memory twice.
private enum Piece {
  static var size: Int { 1 << 20 }

  /// The last piece of a file of `size` bytes.
  static func last(of size: Int) -> Range<Int> {
    (size <= Self.size ? 0 : (size - 1) / Self.size * Self.size)..<size
  }
}

/// Copies the data of `source` that lie in `piece`.
///
/// - Returns: the end of the last data in `piece`; its start if there are none.
@inline(never)
private func copy(
  _ data: borrowing DataRanges, in piece: Range<Int>, from source: Int32, to target: Int32
) throws(Failure) -> Int {
  var end = piece.lowerBound
  while let range = try data.first(in: end..<piece.upperBound) {
    try copy(range, from: source, to: target)
    end = range.upperBound
  }
  return end
}

/// Copies the bytes in `range`.
///
/// sendfile(2) passes the source's pages on and copies each once, into the target's: half the time
/// of read and write, and cheaper than the page faults of a mapping.
private func copy(_ range: Range<Int>, from source: Int32, to target: Int32) throws(Failure) {
  try attempt("lseek") { lseek(target, range.lowerBound, SEEK_SET) }

  var next: off_t = range.lowerBound
  while next < range.upperBound {
    let sent = try attempt("sendfile") {
      sendfile(target, source, &next, range.upperBound - next)
    }
    // Someone has truncated the file.
    if sent == 0 { throw Failure("sendfile", ENODATA) }
  }
}
