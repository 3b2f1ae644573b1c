// SPDX-License-Identifier: MIT

import CLinux

/// The times of all directories below one, for after entries have been made in them.
struct DirectoryTimes {
  private var directories: [UInt64: Status] = [:]

  /// - Parameters:
  ///   - root: open for reading. Its own times are not noted, nor what is mounted below it.
  ///   - left: directories in it whose times are not noted, either.
  init(below root: Int32, besides left: [StaticString]) throws(Failure) {
    try Self.visit(root) { (_, status) in directories[status.inode] = status }
    for name in left {
      if let status = try? Status(of: cName(name), in: root) { directories[status.inode] = nil }
    }
  }

  /// Sets the times of those that are still there.
  ///
  /// - Parameter root: as before.
  func restore(below root: Int32) throws(Failure) {
    if directories.isEmpty { return }
    try Self.visit(root) { (directory, status) throws(Failure) in
      if let noted = directories[status.inode] { try setTimes(of: directory, noted) }
    }
  }

  /// Has `body` see each directory below one, those in it first.
  private static func visit(
    _ parent: Int32, _ body: (Int32, Status) throws(Failure) -> Void
  ) throws(Failure) {
    var names = try Listing(of: parent)
    while let name = try names.next() {
      let status = try Status(of: name, in: parent)
      guard status.isDirectory, !status.isMountRoot else { continue }
      let directory = try attempt("open") {
        linux_openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
      }
      defer { closeQuietly(directory) }
      try visit(directory, body)
      try body(directory, status)
    }
  }
}
