// SPDX-License-Identifier: MIT

import CLinux

/// The times of all directories below a root, to be restored after entries were made in them.
struct DirectoryTimes {
  private var directories: [UInt64: Status] = [:]
  /// Inodes of directories whose times are not restored.
  private var left: [UInt64] = []

  /// - Parameters:
  ///   - root: open for reading. Its own times are not recorded, nor those of anything mounted
  ///     below it.
  ///   - left: entries of `root` whose times are not recorded either.
  init(below root: Int32, besides left: [StaticString]) throws(Failure) {
    let all = { (_: Status) in true }
    try Self.visit(root, into: all) { (_, status) in directories[status.inode] = status }
    for name in left {
      if let status = try? Status(of: cName(name), in: root) { self.left.append(status.inode) }
    }
  }

  /// Restores the times of the directories that still exist.
  ///
  /// - Parameter root: the same as for the initializer.
  func restore(below root: Int32) throws(Failure) {
    // Directories that existed before are in directories that existed before.
    let wasThere = { (status: Status) in directories[status.inode] != nil }
    try Self.visit(root, into: wasThere) { (directory, status) throws(Failure) in
      guard let noted = directories[status.inode], !left.contains(status.inode) else { return }
      try setTimes(of: directory, noted)
    }
  }

  /// Calls `body` for each directory below `parent` that is `chosen`, its subdirectories first.
  private static func visit(
    _ parent: Int32, into chosen: (Status) -> Bool,
    _ body: (Int32, Status) throws(Failure) -> Void
  ) throws(Failure) {
    var names = try Listing(of: parent)
    while let name = try names.next() {
      let status = try Status(of: name, in: parent)
      guard status.isDirectory, !status.isMountRoot, chosen(status) else { continue }
      let directory = try openDirectory(name, in: parent)
      defer { closeQuietly(directory) }
      try visit(directory, into: chosen, body)
      try body(directory, status)
    }
  }
}
