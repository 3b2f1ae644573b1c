// SPDX-License-Identifier: MIT

import CLinux

/// The ranges of a regular file that hold data. The holes between them read as zeros and take no
/// memory until the zeros are copied. A file that is not sparse is one range and needs no call.
struct DataRanges: ~Copyable {
  private let file: Int32
  private let size: Int
  private let isSparse: Bool

  /// A mapping of the whole file, if the file system does not report holes: ramfs reports
  /// everything as data (fs/read_write.c, generic_file_llseek()) and keeps a page for each hole
  /// that is read, but mincore(2) tells which pages exist. tmpfs reports holes; there mincore(2)
  /// would miss pages in swap.
  private let map: UnsafeMutableRawPointer?

  /// - Parameter status: gives the size, and whether the file is sparse. The file may be truncated
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

  /// Returns the first range of data in `part`, clipped to `part`; nil if there is none. `part`
  /// starts at a page boundary or where a returned range ended.
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
