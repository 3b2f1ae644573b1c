// SPDX-License-Identifier: MIT

/// The memory that it takes to unpack a payload, whose files are freed as they are read.
public struct PayloadNeed {
  /// What is to be unpacked.
  public let tree: PayloadAbout.Tree
  /// How many threads unpack.
  public let threads: Int

  public init(_ tree: PayloadAbout.Tree, threads: Int) {
    self.tree = tree
    self.threads = threads
  }

  /// The kernel's structures for one name: inode, dentry, and what they are found with.
  private static var entry: Int { 1230 }
  /// What the first thread's decoder takes, and what must remain.
  private static var base: Int { 9 << 20 }
  /// The decoder of one more thread, and the part of its file that is not freed yet.
  public static var thread: Int { 10 << 20 }
  /// No memory has more pages, or room for more entries.
  private static var most: Int { 1 << 40 }

  /// The tree's content on a tmpfs, in bytes.
  public static func content(of tree: PayloadAbout.Tree) -> Int { min(tree.pages, most) << 12 }

  /// The inodes of the tree.
  public static func inodes(of tree: PayloadAbout.Tree) -> Int { min(tree.entries, most) }

  /// The largest tree, roughly, that can be unpacked with so much memory, in bytes: for a payload
  /// whose size is unknown.
  public static func largestTree(in memory: Int) -> PayloadAbout.Tree {
    let pages = max(memory - base, 0) >> 12
    return PayloadAbout.Tree(entries: pages, bytes: pages << 12, pages: pages)
  }

  /// In bytes, the tree itself among them.
  public var bytes: Int {
    Self.content(of: tree) + Self.inodes(of: tree) * Self.entry + Self.base
      + (threads - 1) * Self.thread
  }

  /// Why the boot stops before anything is unpacked; nil if memory suffices.
  ///
  /// - Parameters:
  ///   - free: free memory, in bytes.
  ///   - payload: the size of the payload's files, which become free.
  public func shortage(free: Int, payload: Int) -> [Text]? {
    let available = free.plus(payload)
    let missing = bytes - available
    if missing <= 0 { return nil }

    var cause = Text("too little memory to unpack the payload, the boot stops: needed ")
    cause.add(mebibytesOf: bytes)
    cause.add(" (")
    cause.add(mebibytesOf: Self.content(of: tree))
    cause.add(" of files, ")
    cause.add(tree.entries)
    cause.add(" entries), available ")
    cause.add(mebibytesOf: available)
    cause.add(" (")
    cause.add(mebibytesOf: free)
    cause.add(" free, ")
    cause.add(mebibytesOf: payload)
    cause.add(" of payload)")

    var remedy = Text("needed: ")
    remedy.add(mebibytesOf: missing + (1 << 20) - 1)
    remedy.add(" more memory")
    return [cause, remedy]
  }
}
