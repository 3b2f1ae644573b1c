// SPDX-License-Identifier: MIT

import CLinux

/// The times of all directories below a root, to be restored after entries were made in them.
struct DirectoryTimes {
  private let root: Int32
  /// The root's own; nil if it is not restored.
  private var rootStatus: Status?
  private var directories: [UInt64: Status] = [:]
  /// Inodes of directories whose times are not restored.
  private var left: [UInt64] = []

  /// - Parameters:
  ///   - root: open for reading, until the times are restored. Times of anything mounted below it
  ///     are not recorded.
  ///   - includesRoot: whether the times of `root` itself are recorded.
  ///   - left: entries of `root` whose times are not recorded.
  init(
    below root: Int32, includesRoot: Bool = false, besides left: [StaticString] = []
  ) throws(Failure) {
    self.root = root
    if includesRoot { rootStatus = try Status(of: root) }
    let all = { (_: Status) in true }
    try Self.visit(root, into: all) { (_, status) in directories[status.inode] = status }
    for name in left {
      if let status = try? Status(of: cName(name), in: root) { self.left.append(status.inode) }
    }
  }

  /// Restores the times of the directories that still exist.
  func restore() throws(Failure) {
    // Directories that existed before are in directories that existed before.
    let wasThere = { (status: Status) in directories[status.inode] != nil }
    try Self.visit(root, into: wasThere) { (directory, status) throws(Failure) in
      guard let noted = directories[status.inode], !left.contains(status.inode) else { return }
      try Self.restore(directory, status, to: noted)
    }
    if let rootStatus { try Self.restore(root, try Status(of: root), to: rootStatus) }
  }

  /// Sets times that differ: in an overlay, each call copies the directory.
  private static func restore(
    _ directory: Int32, _ status: Status, to noted: Status
  ) throws(Failure) {
    if !status.hasModificationTime(of: noted) { try setTimes(of: directory, noted) }
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
