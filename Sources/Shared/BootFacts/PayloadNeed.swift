// SPDX-License-Identifier: MIT

/// The memory needed to unpack a payload whose files are freed as they are read.
public struct PayloadNeed {
  /// What is to be unpacked.
  public let tree: PayloadManifest.Tree
  /// The memory that a decoder takes, in bytes.
  public let decoder: Int
  /// The number of threads that unpack.
  public let threads: Int
  /// In bytes.
  public let pageSize: Int

  /// - Parameter pageSize: this machine's, except in tests.
  public init(
    _ tree: PayloadManifest.Tree, decoder: Int = 0, threads: Int,
    pageSize: Int = FreeMemory.pageSize
  ) {
    self.tree = tree
    self.decoder = decoder
    self.threads = threads
    self.pageSize = pageSize
  }

  /// Bytes of the kernel's structures for one name: inode, dentry, and what is needed to find them.
  private static var entry: Int { 1230 }
  /// What the first thread takes with an ordinary decoder, and what must remain, in bytes.
  private static var base: Int { 9 << 20 }
  /// What each further thread takes, with the part of its file that is not freed yet, in bytes.
  private static var thread: Int { 10 << 20 }
  /// The most that an ordinary decoder takes, such as zstd's up to level 15, in bytes.
  private static var ordinary: Int { 5 << 20 }
  /// No memory has more pages, or room for more entries.
  private static var most: Int { 1 << 40 }

  /// The tree's content on a tmpfs, in bytes.
  public static func content(of tree: PayloadManifest.Tree, pageSize: Int) -> Int {
    let sizes = PayloadManifest.Tree.pageSizes
    let index = sizes.firstIndex { $0 >= pageSize } ?? sizes.count - 1
    return min(tree.pages[index], most) * sizes[index]
  }

  /// The inodes of the tree.
  public static func inodes(of tree: PayloadManifest.Tree) -> Int { min(tree.entries, most) }

  /// Returns roughly the largest tree that can be unpacked in `memory` bytes, for a payload of
  /// unknown size.
  public static func largestTree(in memory: Int) -> PayloadManifest.Tree {
    let bytes = max(memory - base, 0)
    let pages = PayloadManifest.Tree.pageSizes.map { bytes / $0 }
    return PayloadManifest.Tree(entries: pages[0], bytes: bytes, pages: pages)
  }

  /// What each thread takes beyond an ordinary one, in bytes.
  private var excess: Int { min(max(decoder - Self.ordinary, 0), Self.most) }

  /// What one more thread takes, in bytes.
  public var thread: Int { Self.thread + excess }

  private var content: Int { Self.content(of: tree, pageSize: pageSize) }

  /// The memory needed, including the tree itself, in bytes.
  public var bytes: Int {
    content + Self.inodes(of: tree) * Self.entry + Self.base + excess + (threads - 1) * thread
  }

  /// Why the boot stops before anything is unpacked; nil if memory suffices.
  ///
  /// - Parameters:
  ///   - free: free memory, in bytes.
  ///   - payload: the size of the payload's files, which become free, in bytes.
  public func shortage(free: Int, payload: Int) -> [Text]? {
    let available = free.plus(payload)
    let missing = bytes - available
    if missing <= 0 { return nil }

    var cause = Text("too little memory to unpack the payload, the boot stops: needed ")
    cause.add(mebibytesOf: bytes)
    cause.add(" (")
    cause.add(mebibytesOf: content)
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
