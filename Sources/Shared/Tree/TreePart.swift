// SPDX-License-Identifier: MIT

import CLinux

/// A file system that holds a part of a tree: it is mounted on one of the tree's directories. The
/// tree's own file system is a part as well.
public struct TreePart {
  /// The path of the directory, without a slash at either end; empty for the tree itself.
  let path: [UInt8]
  /// Its root directory, open for reading.
  let root: Int32
  /// The times of its directories, to be restored; nil if they are not.
  var times: DirectoryTimes?

  public init(path: [UInt8], root: Int32) {
    self.path = path
    self.root = root
  }

  var isTree: Bool { path.isEmpty }

  /// Whether a directory is this one, or is in it, or holds it.
  func overlaps(_ other: [UInt8]) -> Bool {
    if isTree { return false }
    let (mine, its) = (path + [UInt8(ascii: "/")], other + [UInt8(ascii: "/")])
    return mine.starts(with: its) || its.starts(with: mine)
  }

  /// Opens its directory in another tree; nil if there is none, or if a symbolic link or a mount is
  /// on the way.
  func open(in tree: Int32) throws(Failure) -> Int32? {
    let name = isTree ? cName(".") : cName(path)
    do throws(Failure) {
      return try attempt("openat2") { linux_openat2_plainly(tree, name, O_RDONLY | O_DIRECTORY) }
    } catch {
      switch error.code {
      case ENOENT, ENOTDIR, ELOOP, EXDEV: return nil
      default: throw error
      }
    }
  }

  /// Moves into it what another tree has below its directory.
  ///
  /// - Parameter status: the status of the directory; nil for what it is now.
  /// - Returns: whether there were regular files with several names.
  func move(
    from tree: Int32, _ status: Status?, _ selection: Selection?
  ) throws(Failure) -> Bool {
    guard let source = try open(in: tree) else { return false }
    defer { closeQuietly(source) }
    let status = if let status { status } else { try Status(of: source) }
    let mover = Mover(
      from: source, status, to: root, merging: true, apart: !isTree, selecting: selection)
    do throws(Failure) { try mover.move() } catch {
      throw error.on(cName(path))
    }
    // It stays there until the tree itself moves.
    if !isTree { try setTimes(of: source, status) }
    return mover.hasLinkedFiles
  }
}
