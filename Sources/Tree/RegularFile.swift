// SPDX-License-Identifier: MIT

import CLinux

/// Moves a regular file to a place where nothing is yet, on another file system. The file is in
/// one of the two places afterwards, whole, whatever failed.
func moveRegularFile(from source: Place, _ status: Status, to target: Place) throws(Failure) {
  let from = try Source(source, mayBeCut: status.size > Piece.size)
  defer { closeQuietly(from.descriptor) }
  let attributes = try Attributes(of: from.descriptor)

  let to = try attempt("create") {
    linux_openat(target.directory, target.name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  }
  defer { closeQuietly(to) }

  do throws(Failure) {
    try moveContents(from: from, status, attributes, to: to)
    do throws(Failure) {
      try setMetadata(of: to, status, attributes)
      try attempt("unlink") { unlinkat(source.directory, source.name, 0) }
    } catch {
      try returnContents(from: to, to: from, status, attributes)
      throw error
    }
  } catch {
    if !error.tearsFile { _ = unlinkat(target.directory, target.name, 0) }
    throw error
  }
}

/// A regular file whose content is on its way.
struct Source {
  let descriptor: Int32

  /// Whether what has been copied is cut off. Not a program that is being executed: a usermode
  /// helper that the kernel started meanwhile. Such a file is in memory twice until it ends.
  let isCut: Bool

  /// Opens the file, for writing only if it is to be cut.
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

/// Moves the data of `source` to the empty file `target`, so that no more than one piece of it is
/// in memory twice: from the end, each piece cut off as soon as it is copied. Cutting works on
/// ramfs too, which cannot punch holes. The first piece stays until the file is removed.
///
/// `attributes` are the source's from before: write(2) and ftruncate(2) remove security.capability.
func moveContents(
  from source: Source, _ status: Status, _ attributes: Attributes, to target: Int32
) throws(Failure) {
  var start = Piece.lastStart(of: status.size)

  while true {
    do throws(Failure) {
      let count = min(status.size - start, Piece.size)
      try copyPiece(from: source.descriptor, to: target, at: start, count: count)
      if start > 0 && source.isCut {
        try attempt("ftruncate") { ftruncate(source.descriptor, start) }
      }
    } catch {
      // This piece is whole in the source still; those behind it are in the target only.
      try returnPieces(from: target, to: source, status, attributes, start: start + Piece.size)
      throw error
    }

    if start == 0 { return }
    start -= Piece.size
  }
}

/// Takes back a completed `moveContents`.
///
/// - Parameter isEmptied: the first piece is gone from the source, too.
func returnContents(
  from target: Int32, to source: Source, _ status: Status, _ attributes: Attributes,
  isEmptied: Bool = false
) throws(Failure) {
  let start = isEmptied ? 0 : Piece.size
  try returnPieces(from: target, to: source, status, attributes, start: start)
}

/// Brings back the pieces from `start` on, the first first, each given up as soon as it is copied:
/// it needs no memory that the file did not have before. What was not cut has only lost its time.
private func returnPieces(
  from target: Int32, to source: Source, _ status: Status, _ attributes: Attributes, start: Int
) throws(Failure) {
  do throws(Failure) {
    if source.isCut {
      var start = start
      while start < status.size {
        let count = min(status.size - start, Piece.size)
        try copyPiece(from: target, to: source.descriptor, at: start, count: count)
        _ = linux_punch_hole(target, start, count)
        start += count
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

/// A part of a file, as large as may be in memory twice.
private enum Piece {
  static var size: Int { 1 << 20 }

  /// Where the last piece of a file of `size` bytes begins.
  static func lastStart(of size: Int) -> Int {
    size <= Self.size ? 0 : (size - 1) / Self.size * Self.size
  }
}

/// Copies `count` bytes at `start`.
///
/// sendfile(2) hands the source's pages over as they are and copies each once, into the target's:
/// half the time of read and write, and less than a mapping costs in page faults.
private func copyPiece(
  from source: Int32, to target: Int32, at start: Int, count: Int
) throws(Failure) {
  if count == 0 { return }
  try attempt("lseek") { lseek(target, start, SEEK_SET) }

  var next: off_t = start
  while next < start + count {
    let sent = try attempt("sendfile") { sendfile(target, source, &next, start + count - next) }
    // Someone has cut the file off.
    if sent == 0 { throw Failure("sendfile", ENODATA) }
  }
}
