// SPDX-License-Identifier: MIT

import CLinux

/// A directory on its way: open in both trees until the last of its entries has moved.
final class DirectoryMove {
  /// nil for the root of the tree.
  private(set) var parent: DirectoryMove?
  let name: [CChar]

  let source: Int32
  let target: Int32

  /// As it was before the first of its entries left it.
  let status: Status

  /// Whether `target` was there before, with metadata of its own: only its times are set then.
  let isMerge: Bool

  /// Only a selection of its entries is moved, and the directory is in both trees afterwards.
  let staysInSource: Bool

  /// Entries that have not left yet, and one for the walk through it. Guarded by the mover's lock.
  var pending = 1

  /// The xattrs of a target that was there before, from which `disinherit` took one.
  private var kept: Attributes?

  init(
    _ name: [CChar], in parent: DirectoryMove?, source: Int32, target: Int32, _ status: Status,
    isMerge: Bool, staysInSource: Bool = false
  ) {
    self.parent = parent
    self.name = name
    self.source = source
    self.target = target
    self.status = status
    self.isMerge = isMerge
    self.staysInSource = staysInSource
  }

  /// The place of its entry `name` in the tree that is moved.
  func from(_ name: [CChar]) -> Place { Place(directory: source, name: name) }

  /// The place of its entry `name` in the tree that arises.
  func to(_ name: [CChar]) -> Place { Place(directory: target, name: name) }

  /// The path of its entry `name` from the root of the tree, with a slash before each name.
  func path(of name: [CChar]) -> [UInt8] {
    var path = parent?.path(of: self.name) ?? []
    path.append(UInt8(ascii: "/"))
    for byte in name where byte != 0 { path.append(UInt8(bitPattern: byte)) }
    return path
  }

  /// Takes the default ACL of a target that was there before from it, until it is settled, so that
  /// no entry inherits from it.
  func disinherit() throws(Failure) {
    kept = try Attributes(of: target)
    _ = fremovexattr(target, cName("system.posix_acl_default"))
  }

  /// Ends the move of an emptied directory. Owner, permissions and a default ACL only come now, so
  /// that no entry inherits from them; times only come now because entries change them.
  func settle() throws(Failure) {
    if isMerge {
      try kept?.set(on: target)
      try setTimes(of: target, status)
    } else {
      try copyMetadata(from: source, status, to: target)
    }
    if staysInSource { return try setTimes(of: source, status) }
    if let parent { try attempt("rmdir") { unlinkat(parent.source, name, AT_REMOVEDIR) } }
  }

  /// Leaves it half moved: what the way back must know is its times, which the source has lost.
  func abandon() {
    try? kept?.set(on: target)
    try? setTimes(of: target, status)
  }

  /// Lets go of its parent, and returns it. A chain of thousands, each the last to hold the next,
  /// would overflow the stack of a thread.
  func detach() -> DirectoryMove? {
    defer { parent = nil }
    return parent
  }

  func close() {
    closeQuietly(source)
    closeQuietly(target)
  }
}
