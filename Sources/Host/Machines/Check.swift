// SPDX-License-Identifier: MIT

/// What `leafroot-init check` found in the guest: one line of JSON on the console.
public struct Check: Codable, Equatable, Sendable {
  /// What a process sees after it detaches its root mount.
  public struct Below: Codable, Equatable, Sendable {
    /// The number of entries in its root directory; LeafRoot promises 0.
    public var entries: Int
    /// Whether it is read-only.
    public var sealed: Bool

    /// The number of other mounts of it in the tree; LeafRoot promises 0.
    public var mounts: Int

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
  /// `ok`, or the name of the error from pivot_root(2).
  public var pivotRoot: String
  /// What lies below `/`; nil if it is not reachable.
  public var below: Below?
  /// Whether all promises are kept.
  public var asPromised: Bool
  /// Seconds from the guest's start to the check.
  public var uptime: Double
}
