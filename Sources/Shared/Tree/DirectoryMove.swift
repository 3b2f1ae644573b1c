// SPDX-License-Identifier: MIT

import CLinux

/// A directory being moved, open in both trees until the last of its entries has moved.
final class DirectoryMove {
  /// nil for the root of the tree.
  private(set) var parent: DirectoryMove?
  let name: [CChar]

  let source: Int32
  let target: Int32

  /// Its status before the first of its entries left.
  let status: Status

  /// Whether `target` already existed, with metadata of its own; then only its times are set.
  let isMerge: Bool

  /// Whether only some of its entries move, so that the directory remains in both trees.
  let staysInSource: Bool

  /// The number of entries that have not left yet, plus one for the walk. Guarded by the mover's
  /// lock.
  var pending = 1

  /// The xattrs of an existing target before `disinherit` removed one; nil if it removed none.
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

  /// The place of entry `name` in the source tree.
  func from(_ name: [CChar]) -> Place { Place(directory: source, name: name) }

  /// The place of entry `name` in the target tree.
  func to(_ name: [CChar]) -> Place { Place(directory: target, name: name) }

  /// The path of entry `name` from the root of the tree, with a slash before each name.
  func path(of name: [CChar]) -> [UInt8] {
    var path = parent?.path(of: self.name) ?? []
    path.append(UInt8(ascii: "/"))
    for byte in name where byte != 0 { path.append(UInt8(bitPattern: byte)) }
    return path
  }

  /// Removes the default ACL of an existing target until the move ends, so that no entry inherits
  /// it.
  func disinherit() throws(Failure) {
    let attributes = try Attributes(of: target)
    let list = cName("system.posix_acl_default")
    guard attributes.all.contains(where: { $0.name == list }) else { return }
    kept = attributes
    _ = fremovexattr(target, list)
  }

  /// Ends the move of an emptied directory. Sets owner, permissions and default ACL only now, so
  /// that no entry inherits them, and times only now, because entries change them.
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

  /// Leaves the directory half moved. The target keeps its times, which the source has lost, for
  /// the way back.
  func abandon() {
    try? kept?.set(on: target)
    try? setTimes(of: target, status)
  }

  /// Releases the parent and returns it. Freeing a chain of thousands at once would overflow a
  /// thread's stack.
  func detach() -> DirectoryMove? {
    defer { parent = nil }
    return parent
  }

  func close() {
    closeQuietly(source)
    closeQuietly(target)
  }
}
