// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Leaf
import Tree

/// The file that this process was started from.
struct OwnProgram {
  private let status: stat

  /// nil if it no longer has a name.
  init?() {
    guard let own = try? Self.find() else { return nil }
    self = own
  }

  private init(_ status: stat) { self.status = status }

  private static func find() throws(Tree.Failure) -> OwnProgram? {
    guard let path else { return nil }
    return try identify(path).map { OwnProgram($0) }
  }

  /// The path that the kernel executed: getauxval(3), AT_EXECFN.
  static var path: UnsafePointer<CChar>? {
    UnsafePointer(bitPattern: getauxval(UInt(AT_EXECFN)))
  }

  /// Whether it would be executed at `path`.
  func isExecuted(at path: UnsafePointer<CChar>) -> Bool {
    isSame((try? Self.identify(path)) ?? nil)
  }

  /// Removes all its names, and the symbolic links to it, that were or could have been executed.
  static func removeNames() throws(Tree.Failure) {
    guard let own = try find() else { return }
    // The links first: without the file, they could not be told from others.
    for path in Vocabulary.inits { try own.remove(Text(path)) }
    if let path { try own.remove(Text(bytes(of: path))) }
    try own.remove(Text("/") + Vocabulary.program)
  }

  private func remove(_ path: Text) throws(Tree.Failure) {
    try path.withCString { (path) throws(Tree.Failure) in
      guard isSame(try Self.identify(path)) else { return }
      try attempt("unlink") { unlink(path) }
    }
  }

  private func isSame(_ other: stat?) -> Bool {
    guard let other else { return false }
    return other.st_dev == status.st_dev && other.st_ino == status.st_ino
  }

  /// nil if there is no such file.
  private static func identify(_ path: UnsafePointer<CChar>) throws(Tree.Failure) -> stat? {
    var result = stat()
    do throws(Tree.Failure) {
      try attempt("stat") { stat(path, &result) }
      return result
    } catch {
      if error.code == ENOENT || error.code == ENOTDIR { return nil }
      throw error
    }
  }
}
