// SPDX-License-Identifier: MIT

import CLinux

/// The entries of a directory, read in batches with getdents64(2). Entries may be removed
/// meanwhile.
struct Listing: ~Copyable {
  private let directory: Int32
  private let buffer: UnsafeMutableRawPointer
  private var position = 0
  private var end = 0

  /// In bytes. Small enough for a buffer at each of 2,047 levels, the depth of a path of 4,096
  /// bytes.
  private static var size: Int { 16384 }

  /// Starts at the directory's beginning.
  init(of directory: Int32) throws(Failure) {
    try attempt("lseek") { lseek(directory, 0, SEEK_SET) }
    self.directory = directory
    buffer = .allocate(byteCount: Self.size, alignment: 8)
  }

  deinit { buffer.deallocate() }

  /// Returns the next name with its terminating NUL, except `.` and `..`; nil at the end.
  mutating func next() throws(Failure) -> [CChar]? {
    while true {
      if position == end {
        let (directory, buffer) = (directory, buffer)
        end = try attempt("getdents64") { linux_getdents(directory, buffer, UInt(Self.size)) }
        position = 0
        if end == 0 { return nil }
      }

      // struct linux_dirent64: d_ino 8, d_off 8, d_reclen 2, d_type 1, d_name.
      let record = buffer + position
      position += Int(record.loadUnaligned(fromByteOffset: 16, as: UInt16.self))
      let name = (record + 19).assumingMemoryBound(to: CChar.self)

      if name[0] == 0x2e && (name[1] == 0 || (name[1] == 0x2e && name[2] == 0)) { continue }
      return [CChar](UnsafeBufferPointer(start: name, count: strlen(name) + 1))
    }
  }
}

/// Opens the directory `name` for reading; fails for a symbolic link.
package func openDirectory(_ name: [CChar], in parent: Int32) throws(Failure) -> Int32 {
  try attempt("open") {
    linux_openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
  }
}

/// Returns all names in a directory, unordered, with their terminating NULs.
@inline(never)
package func entryNames(of directory: Int32) throws(Failure) -> [[CChar]] {
  var all: [[CChar]] = []
  var listing = try Listing(of: directory)
  while let name = try listing.next() { all.append(name) }
  return all
}
