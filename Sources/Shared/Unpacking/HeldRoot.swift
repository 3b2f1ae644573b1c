// SPDX-License-Identifier: MIT

import CLinux
import Tree

/// The root directory of a tree that others must not see before all of it is there: nobody but its
/// owner is let in, and what the image says of its owner and permissions is kept until then.
final class HeldRoot {
  private let root: Int32
  /// nil if it cannot be looked at, and so not closed.
  private let status: Status?
  private var permissions: UInt32
  private var user = UInt32.max
  private var group = UInt32.max

  /// The image says which permissions it gets.
  private(set) var hasRecord = false

  private static var closed: UInt32 { 0o700 }

  /// Closes the directory that `root` is open on: fchmod(2).
  init(_ root: Int32) {
    self.root = root
    status = try? Status(of: root)
    permissions = status.map { $0.mode & 0o7777 } ?? Self.closed
    _ = fchmod(root, Self.closed)
  }

  /// Whether `directory` is open on it, too.
  func isOpen(as directory: Int32) -> Bool {
    guard let status, let other = try? Status(of: directory) else { return false }
    return other.inode == status.inode && other.isBeside(status)
  }

  /// - Returns: 0, as the call that is made at the end.
  func keepPermissions(_ permissions: UInt32) -> Int32 {
    self.permissions = permissions
    hasRecord = true
    return 0
  }

  /// chown(2): -1 changes nothing.
  func keepOwner(_ user: UInt32, _ group: UInt32) -> Int32 {
    if user != .max { self.user = user }
    if group != .max { self.group = group }
    return 0
  }

  /// An access control list has permissions, too: acl(5).
  func closeAgain(_ directory: Int32) {
    guard isOpen(as: directory), let now = try? Status(of: directory).mode & 0o7777,
      now != Self.closed
    else { return }
    _ = keepPermissions(now)
    _ = fchmod(root, Self.closed)
  }

  /// fchown(2), if the image says whose it is.
  func giveAway() -> Int32 {
    user == .max && group == .max ? 0 : fchown(root, user, group)
  }

  /// Lets others in: fchmod(2).
  func open() -> Int32 { fchmod(root, permissions) }
}
