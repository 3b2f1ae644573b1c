// SPDX-License-Identifier: MIT

import CLinux

/// The times of all directories below one, for after entries have been made in them.
struct DirectoryTimes {
  private var directories: [UInt64: Status] = [:]
  /// The inodes of those whose times do not count.
  private var left: [UInt64] = []

  /// - Parameters:
  ///   - root: open for reading. Its own times are not noted, nor what is mounted below it.
  ///   - left: directories in it whose times are not noted, either.
  init(below root: Int32, besides left: [StaticString]) throws(Failure) {
    let all = { (_: Status) in true }
    try Self.visit(root, into: all) { (_, status) in directories[status.inode] = status }
    for name in left {
      if let status = try? Status(of: cName(name), in: root) { self.left.append(status.inode) }
    }
  }

  /// Sets the times of those that are still there.
  ///
  /// - Parameter root: as before.
  func restore(below root: Int32) throws(Failure) {
    // Whatever was there is in directories that were there.
    let wasThere = { (status: Status) in directories[status.inode] != nil }
    try Self.visit(root, into: wasThere) { (directory, status) throws(Failure) in
      guard let noted = directories[status.inode], !left.contains(status.inode) else { return }
      try setTimes(of: directory, noted)
    }
  }

  /// Has `body` see each directory below one that is `chosen`, those in it first.
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
