// SPDX-License-Identifier: MIT

import CLinux

/// Moves a regular file to a place where nothing is yet, on another file system. The file is in
/// one of the two places afterwards, whole, whatever failed.
func moveRegularFile(from source: Place, _ status: Status, to target: Place) throws(Failure) {
  // Only a file of more than one piece is cut on the way, and needs to be writable.
  let access = status.size > Piece.size ? O_RDWR : O_RDONLY
  let from = try attempt("open") {
    linux_openat(source.directory, source.name, access | O_NOFOLLOW, 0)
  }
  defer { closeQuietly(from) }

  let to = try attempt("create") {
    linux_openat(target.directory, target.name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  }
  defer { closeQuietly(to) }

  do throws(Failure) {
    try moveContents(from: from, status, to: to)
    do throws(Failure) {
      try copyMetadata(from: from, status, to: to)
      try attempt("unlink") { unlinkat(source.directory, source.name, 0) }
    } catch {
      try returnContents(from: to, to: from, status)
      throw error
    }
  } catch {
    if !error.tearsFile { _ = unlinkat(target.directory, target.name, 0) }
    throw error
  }
}

/// Moves the data of `source` to the empty file `target`, so that no more than one piece of it is
/// in memory twice: from the end, each piece cut off as soon as it is copied. Cutting works on
/// ramfs too, which cannot punch holes. The first piece stays until the file is removed.
func moveContents(from source: Int32, _ status: Status, to target: Int32) throws(Failure) {
  var start = Piece.lastStart(of: status.size)

  while true {
    do throws(Failure) {
      let count = min(status.size - start, Piece.size)
      try copyPiece(from: source, to: target, at: start, count: count)
      if start > 0 { try attempt("ftruncate") { ftruncate(source, start) } }
    } catch {
      // This piece is whole in the source still; those behind it are in the target only.
      try returnPieces(from: target, to: source, status, start: start + Piece.size)
      throw error
    }

    if start == 0 { return }
    start -= Piece.size
  }
}

/// Takes back a completed `moveContents`.
func returnContents(from target: Int32, to source: Int32, _ status: Status) throws(Failure) {
  try returnPieces(from: target, to: source, status, start: Piece.size)
}

/// Brings back the pieces from `start` on, the first first, each given up as soon as it is copied.
/// It needs no memory that the file did not have before.
private func returnPieces(
  from target: Int32, to source: Int32, _ status: Status, start: Int
) throws(Failure) {
  var start = start
  do throws(Failure) {
    while start < status.size {
      let count = min(status.size - start, Piece.size)
      try copyPiece(from: target, to: source, at: start, count: count)
      _ = linux_punch_hole(target, start, count)
      start += count
    }
    try setTimes(of: source, status)
  } catch {
    var torn = error
    torn.tearsFile = true
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

/// Copies `count` bytes at `start`. The source is mapped: its pages are copied once, straight into
/// the target's.
private func copyPiece(
  from source: Int32, to target: Int32, at start: Int, count: Int
) throws(Failure) {
  if count == 0 { return }

  let length = Int(count)
  guard let bytes = mmap(nil, length, PROT_READ, MAP_SHARED, source, start),
    bytes != linux_map_failed()
  else { throw Failure("mmap", linux_errno()) }
  defer { munmap(bytes, length) }

  var done = 0
  while done < length {
    done += try attempt("write") {
      pwrite(target, bytes + done, length - done, start + done)
    }
  }
}
