// SPDX-License-Identifier: MIT

import CLinux
import Tree

/// The root directory of a tree that others must not see before it is complete. Until then only its
/// owner has access; the owner and permissions from the image are set at the end.
final class HeldRoot {
  private let root: Int32
  /// nil if it cannot be read; the root then cannot be closed either.
  private let status: Status?
  private var permissions: UInt32
  private var user = UInt32.max
  private var group = UInt32.max

  /// Whether the image gives the root's permissions.
  private(set) var hasRecord = false

  private static var closed: UInt32 { 0o700 }

  /// Closes the directory `root` to others, with fchmod(2).
  init(_ root: Int32) {
    self.root = root
    status = try? Status(of: root)
    permissions = status.map { $0.mode & 0o7777 } ?? Self.closed
    _ = fchmod(root, Self.closed)
  }

  /// Whether `directory` is open on the root, too.
  func isOpen(as directory: Int32) -> Bool {
    guard let status, let other = try? Status(of: directory) else { return false }
    return other.inode == status.inode && other.isBeside(status)
  }

  /// Stores the permissions for `open()`.
  /// - Returns: 0, like the call made at the end.
  func keepPermissions(_ permissions: UInt32) -> Int32 {
    self.permissions = permissions
    hasRecord = true
    return 0
  }

  /// Stores the owner for `giveAway()`. As for chown(2), -1 changes nothing.
  func keepOwner(_ user: UInt32, _ group: UInt32) -> Int32 {
    if user != .max { self.user = user }
    if group != .max { self.group = group }
    return 0
  }

  /// Closes the root again after an access control list has changed its permissions: acl(5).
  func closeAgain(_ directory: Int32) {
    guard isOpen(as: directory), let now = try? Status(of: directory).mode & 0o7777,
      now != Self.closed
    else { return }
    _ = keepPermissions(now)
    _ = fchmod(root, Self.closed)
  }

  /// Sets the owner with fchown(2) if the image gives one.
  func giveAway() -> Int32 {
    user == .max && group == .max ? 0 : fchown(root, user, group)
  }

  /// Opens the root to others, with fchmod(2).
  func open() -> Int32 { fchmod(root, permissions) }
}
