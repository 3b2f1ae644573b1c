// SPDX-License-Identifier: MIT

import CLinux

/// Where a regular file holds data. Holes lie between: they read as zeros and take no memory,
/// unless someone writes the zeros elsewhere. A file that is not sparse is one range, and costs no
/// call.
struct DataRanges: ~Copyable {
  private let file: Int32
  private let size: Int
  private let isSparse: Bool

  /// The whole file, where the file system does not tell its holes: ramfs calls everything data
  /// (fs/read_write.c, generic_file_llseek()), and keeps a page for each hole that is read.
  /// mincore(2) tells which pages there are. tmpfs tells, and must not be asked by mincore(2), to
  /// which a page in swap is none.
  private let map: UnsafeMutableRawPointer?

  /// - Parameter status: tells whether the file is sparse, and its size. The file may be cut off
  ///   meanwhile.
  init(of file: Int32, _ status: Status) throws(Failure) {
    self.file = file
    size = status.size
    isSparse = status.isSparse

    var map: UnsafeMutableRawPointer?
    if isSparse {
      let size = size
      let hole = try attempt("lseek") { lseek(file, 0, LINUX_SEEK_HOLE) }
      if hole >= size {
        try attempt("mmap") {
          map = mmap(nil, size, PROT_READ, MAP_SHARED, file, 0)
          return map == linux_map_failed() ? -1 : 0
        }
      }
    }
    self.map = map
  }

  deinit {
    if let map { munmap(map, size) }
  }

  /// The first range of data in `part`, as far as it lies in it; nil if there is none.
  /// `part` begins where a page does, or where such a range ended.
  func first(in part: Range<Int>) throws(Failure) -> Range<Int>? {
    if part.isEmpty { return nil }
    guard isSparse else { return part }
    if let map { return try firstPages(of: map, in: part) }

    guard let start = try firstData(from: part.lowerBound), start < part.upperBound else {
      return nil
    }
    let file = file
    let end = try attempt("lseek") { lseek(file, start, LINUX_SEEK_HOLE) }
    return start..<min(end, part.upperBound)
  }

  private func firstData(from start: Int) throws(Failure) -> Int? {
    let file = file
    do throws(Failure) {
      return try attempt("lseek") { lseek(file, start, LINUX_SEEK_DATA) }
    } catch {
      // Only a hole is left.
      guard error.code == ENXIO else { throw error }
      return nil
    }
  }

  private func firstPages(
    of map: UnsafeMutableRawPointer, in part: Range<Int>
  ) throws(Failure) -> Range<Int>? {
    let pageSize = sysconf(Int32(_SC_PAGESIZE))
    var pages = [UInt8](repeating: 0, count: (part.count + pageSize - 1) / pageSize)
    try attempt("mincore") {
      linux_mincore(map + part.lowerBound, UInt(part.count), &pages)
    }

    guard let first = pages.firstIndex(where: { $0 & 1 == 1 }) else { return nil }
    let end = pages[first...].firstIndex { $0 & 1 == 0 } ?? pages.count
    return part.lowerBound + first
      * pageSize..<min(part.lowerBound + end * pageSize, part.upperBound)
  }
}
