// SPDX-License-Identifier: MIT

import CLinux

/// Combines packed trees, and what the kernel unpacked around their payloads, into one tree, as if
/// the kernel had unpacked everything in its order.
///
/// What came before a payload moves into the tree before the payload is unpacked there, so the
/// payload meets what the kernel would have met. What came after the last payload moves last.
///
/// On directories of the tree, a payload may mount file systems of its own. What belongs there
/// moves into each of them separately, as no hard link leads out of it.
public struct Composition {
  private let rest: Int32
  private let status: Status
  private let tree: Int32
  private let holder: UInt64

  /// When the kernel copied the payload that was unpacked last.
  private var period: CopyPeriod?
  private var hasAllDirectories = true
  /// The file systems on directories of the tree, and last the tree. They have the times of
  /// directories that existed before that payload, unless the kernel made all of them.
  private var parts: [TreePart]

  /// Whether two paths in one payload may be the same file, hard-linked by earlier images.
  public private(set) var hasLinkedFiles = false

  /// - Parameters:
  ///   - rest: the root of what the kernel has unpacked, open for reading.
  ///   - status: the status of `rest`, as the kernel left it.
  ///   - tree: an empty directory, open for reading. It gets the root's metadata.
  ///   - holder: the directory that holds all payloads, an entry of `rest`.
  public init(
    of rest: Int32, _ status: Status, in tree: Int32, besides holder: StaticString
  ) throws(Failure) {
    self.rest = rest
    self.status = status
    self.tree = tree
    parts = [TreePart(path: [], root: tree)]
    self.holder = try Status(of: cName(holder), in: rest).inode
    try copyMetadata(from: rest, status, to: tree)
  }

  /// Moves in what the kernel wrote before the payload that is unpacked next.
  ///
  /// - Parameters:
  ///   - period: when the kernel copied the payload.
  ///   - hasAllDirectories: whether the kernel also made all of the payload's directories.
  ///   - isWhole: whether the payload will be unpacked to its end. Its directories can then do
  ///     without those that the kernel made with it.
  public mutating func prepare(
    _ period: CopyPeriod, hasAllDirectories: Bool, isWhole: Bool
  ) throws(Failure) {
    try restoreTimes()
    var period = period
    // A later payload's directories are first merged with those of an earlier one.
    period.hasSkeleton =
      hasAllDirectories && isWhole && self.period == nil && hasOrderedInodes
    let selection = Selection(period: period, holder: holder)
    try reconcile(selection)
    let movedLinks = try move(selection)
    // An earlier payload may have some.
    hasLinkedFiles = hasLinkedFiles || movedLinks || self.period != nil
    self.period = period
    self.hasAllDirectories = self.hasAllDirectories && hasAllDirectories
    if !self.hasAllDirectories { try noteTimes() }
  }

  /// Adds a file system that the last payload has mounted on a directory of the tree.
  public mutating func add(_ part: TreePart) { parts.insert(part, at: 0) }

  /// Whether a directory lies in, or holds, one that a file system is mounted on already.
  public func overlaps(_ path: [UInt8]) -> Bool { parts.contains { $0.overlaps(path) } }

  /// Moves in the rest, after the payloads are gone.
  public mutating func finish() throws(Failure) {
    try restoreTimes()
    try reconcile(nil)
    _ = try move(nil)
    for part in parts where !part.isTree { closeQuietly(part.root) }
  }

  /// Moves into each part what belongs there.
  ///
  /// - Returns: whether there were regular files with several names.
  private func move(_ selection: Selection?) throws(Failure) -> Bool {
    var hasLinks = false
    for part in parts {
      let kept = part.isTree && selection != nil ? status : nil
      if try part.move(from: rest, kept, selection) { hasLinks = true }
    }
    return hasLinks
  }

  private mutating func noteTimes() throws(Failure) {
    for index in parts.indices {
      let part = parts[index]
      parts[index].times = try DirectoryTimes(
        below: part.root, includesRoot: !part.isTree, besides: part.isTree ? Self.builtIn : [])
    }
  }

  private mutating func restoreTimes() throws(Failure) {
    for index in parts.indices {
      try parts[index].times?.restore()
      parts[index].times = nil
    }
  }

  /// Directories that the kernel makes before it unpacks images (usr/default_cpio_list): the first
  /// record of an image sets their times.
  private static var builtIn: [StaticString] { ["dev", "root"] }

  /// Whether the kernel has numbered the inodes in the order in which it made them: mm/shmem.c,
  /// shmem_reserve_inode(). On a ramfs each processor numbers its own: fs/inode.c, get_next_ino().
  private var hasOrderedInodes: Bool {
    var answer = statfs()
    return fstatfs(rest, &answer) == 0
      && UInt32(truncatingIfNeeded: answer.f_type) == LINUX_TMPFS_MAGIC
  }

  private func reconcile(_ selection: Selection?) throws(Failure) {
    guard let period else { return }
    try Reconciliation(
      period: period, hasAllDirectories: hasAllDirectories, selection: selection
    ).run(rest, tree)
  }
}
