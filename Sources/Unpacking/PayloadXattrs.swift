// SPDX-License-Identifier: MIT

import CLinux
import Tree

extension Payload {
  /// Gives the files of an unpacked tree what newc cannot carry.
  ///
  /// xattr calls have no `*at` form before Linux 6.13, so the working directory moves: no other
  /// thread may need it.
  ///
  /// A tmpfs has user.* since Linux 6.6, and a ramfs has no xattrs at all: what the file system does
  /// not have is left out.
  ///
  /// - Parameters:
  ///   - file: the name of the file that `content` was read from.
  ///   - root: the root of the tree, open for reading.
  /// - Returns: how many were left out.
  public static func setXattrs(
    _ content: [UInt8], from file: [UInt8], below root: Int32
  ) throws(PayloadFailure) -> Int {
    let workingDirectory = linux_openat(AT_FDCWD, ".", LINUX_O_PATH, 0)
    defer {
      _ = fchdir(workingDirectory)
      closeQuietly(workingDirectory)
    }

    let paths = RootedPaths(root: root)
    var dump = XattrDump(content)
    var leftOut = 0
    while let item = try next(of: &dump, file) {
      do throws(Failure) {
        try set(item, paths)
      } catch {
        guard error.code == ENOTSUP else {
          throw PayloadFailure(file: file, offset: 0, cause: .xattr(path: item.path, error))
        }
        leftOut += 1
      }
    }
    return leftOut
  }

  private static func next(
    of dump: inout XattrDump, _ file: [UInt8]
  ) throws(PayloadFailure) -> XattrDump.Item? {
    do throws(XattrDump.Malformed) {
      return try dump.nextItem()
    } catch {
      throw PayloadFailure(file: file, offset: 0, cause: .xattrs(line: error.line))
    }
  }

  private static func set(_ item: XattrDump.Item, _ paths: RootedPaths) throws(Failure) {
    guard let place = try paths.place(of: item.path) else { throw Failure("setxattr", EINVAL) }
    guard let name = item.name else {
      let time = timespec(tv_sec: item.seconds, tv_nsec: 0)
      try attempt("utimensat") {
        utimensat(place.directory, place.name, [time, time], AT_SYMLINK_NOFOLLOW)
      }
      return
    }
    try attempt("fchdir") { fchdir(place.directory) }
    try attempt("setxattr") { lsetxattr(place.name, name, item.value, item.value.count, 0) }
  }
}
