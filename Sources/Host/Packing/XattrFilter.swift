// SPDX-License-Identifier: MIT

import Importing
import Initramfs
import Newc

/// The first part of an xattr's name.
public enum XattrNamespace: String, CaseIterable, Sendable {
  case user, trusted, security, system

  /// The namespace with its dot.
  fileprivate var prefix: String.UTF8View { "\(rawValue).".utf8 }
}

/// A filter that decides which xattrs of a tree go into a payload.
struct XattrFilter {
  let leftOut: Set<XattrNamespace>
  /// The rejected xattrs that tmpfs does not support.
  private(set) var unsettable = UnsettableXattrs()

  init(leavingOut: Set<XattrNamespace>) { leftOut = leavingOut }

  mutating func kept(of file: TreeFile) -> [Xattr] {
    if file.xattrs.isEmpty { return [] }
    return file.xattrs.filter { xattr in
      let namespace = XattrNamespace.allCases.first { xattr.name.starts(with: $0.prefix) }
      if let namespace, leftOut.contains(namespace) { return false }
      if let namespace, Self.isSettable(xattr, namespace, on: file.entry.type) { return true }
      unsettable.add(xattr, of: file)
      return false
    }
  }

  /// fs/xattr.c, xattr_permission(); fs/posix_acl.c, do_set_acl(); mm/shmem.c,
  /// shmem_xattr_handlers; include/uapi/linux/limits.h.
  private static func isSettable(
    _ xattr: Xattr, _ namespace: XattrNamespace, on type: Entry.FileType?
  ) -> Bool {
    guard xattr.name.count > namespace.prefix.count, xattr.name.count <= 255,
      xattr.value.count <= 65536
    else { return false }
    switch namespace {
    case .trusted, .security: return true
    case .user: return type == .regular || type == .directory
    case .system:
      return xattr.name.elementsEqual("system.posix_acl_access".utf8) && type != .symbolicLink
        || xattr.name.elementsEqual("system.posix_acl_default".utf8) && type == .directory
    }
  }
}

/// The xattrs that tmpfs does not support and that a payload therefore lacks.
public struct UnsettableXattrs: Equatable, Sendable {
  public private(set) var count = 0
  /// The first one: the path of its file, and its name.
  public private(set) var first: (path: [UInt8], name: [UInt8])?

  fileprivate mutating func add(_ xattr: Xattr, of file: TreeFile) {
    count += 1
    if first == nil { first = (file.names[0], xattr.name) }
  }

  mutating func add(_ other: UnsettableXattrs) {
    count += other.count
    first = first ?? other.first
  }

  public static func == (one: UnsettableXattrs, other: UnsettableXattrs) -> Bool {
    one.count == other.count && one.first?.path == other.first?.path
      && one.first?.name == other.first?.name
  }
}
