// SPDX-License-Identifier: MIT

/// What `leafroot-init check` found in the guest: one line of JSON on the console.
public struct Check: Codable, Equatable, Sendable {
  /// What a process sees that has detached its root mount.
  public struct Below: Codable, Equatable, Sendable {
    /// How many entries are in the directory there; 0 is the promise.
    public var entries: Int
    /// Whether it is read-only.
    public var sealed: Bool

    /// How many mounts show it elsewhere in the tree as well; 0 is the promise.
    public var mounts: Int

    /// A directory of so many entries, read-only or not, and what else leads to it.
    public init(entries: Int, sealed: Bool, mounts: Int = 0) {
      self.entries = entries
      self.sealed = sealed
      self.mounts = mounts
    }
  }

  /// The mount id of `/`, from /proc/self/mountinfo (proc_pid_mountinfo(5)).
  public var mountId: Int
  /// The id of its parent; equal to ``mountId`` for the root of the mount tree.
  public var parentId: Int
  /// The file system type of `/`.
  public var type: String
  /// Its mount options.
  public var options: String
  /// Whether `/` is a leaf.
  public var isLeaf: Bool
  /// `ok`, or the name of the error that pivot_root(2) gave.
  public var pivotRoot: String
  /// What lies below `/`; nil if it could not be seen.
  public var below: Below?
  /// Whether all is as promised.
  public var asPromised: Bool
  /// Seconds from the guest's start to the check.
  public var uptime: Double
}
