// SPDX-License-Identifier: MIT

/// The memory that it takes to unpack a payload, whose files are freed as they are read.
public struct PayloadNeed {
  /// What is to be unpacked.
  public let tree: PayloadManifest.Tree
  /// What a decoder takes, in bytes.
  public let decoder: Int
  /// How many threads unpack.
  public let threads: Int
  /// In bytes.
  public let pageSize: Int

  /// - Parameter pageSize: this machine's, unless a test asks.
  public init(
    _ tree: PayloadManifest.Tree, decoder: Int = 0, threads: Int,
    pageSize: Int = FreeMemory.pageSize
  ) {
    self.tree = tree
    self.decoder = decoder
    self.threads = threads
    self.pageSize = pageSize
  }

  /// The kernel's structures for one name: inode, dentry, and what they are found with.
  private static var entry: Int { 1230 }
  /// What the first thread takes with an ordinary decoder, and what must remain.
  private static var base: Int { 9 << 20 }
  /// What one more takes, with the part of its file that is not freed yet.
  private static var thread: Int { 10 << 20 }
  /// A decoder that takes no more is ordinary: that of zstd up to level 15.
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

  /// The largest tree, roughly, that can be unpacked with so much memory, in bytes: for a payload
  /// whose size is unknown.
  public static func largestTree(in memory: Int) -> PayloadManifest.Tree {
    let bytes = max(memory - base, 0)
    let pages = PayloadManifest.Tree.pageSizes.map { bytes / $0 }
    return PayloadManifest.Tree(entries: pages[0], bytes: bytes, pages: pages)
  }

  /// What each thread takes more than an ordinary one.
  private var excess: Int { min(max(decoder - Self.ordinary, 0), Self.most) }

  /// What one more thread takes.
  public var thread: Int { Self.thread + excess }

  private var content: Int { Self.content(of: tree, pageSize: pageSize) }

  /// In bytes, the tree itself among them.
  public var bytes: Int {
    content + Self.inodes(of: tree) * Self.entry + Self.base + excess + (threads - 1) * thread
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
