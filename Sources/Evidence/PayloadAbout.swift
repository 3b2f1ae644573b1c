// SPDX-License-Identifier: MIT

/// What `leafroot pack` and `nest` say about a payload, in `/.leafroot/ID/about`: lines `KEY VALUE`.
public struct PayloadAbout: Equatable, Sendable {
  /// How many of the payload's files pack has made: the first has all directories, the others are
  /// independent of each other. 0: the files are unpacked one after the other.
  public var members = 0

  /// The size of the tree; nil if it is not known.
  public var tree: Tree?

  /// The real init that the builder asked for.
  public var realInit: [UInt8]?

  /// How much a tree has.
  public struct Tree: Equatable, Sendable {
    /// Names, as a tmpfs counts inodes: each hard link is one.
    public var entries: Int
    /// Bytes of content.
    public var bytes: Int
    /// The same in pages of 4,096 bytes, rounded up for each file.
    public var pages: Int

    public init(entries: Int, bytes: Int, pages: Int) {
      self.entries = entries
      self.bytes = bytes
      self.pages = pages
    }

    /// Adds another tree to it.
    public mutating func add(_ other: Tree) {
      entries = entries.plus(other.entries)
      bytes = bytes.plus(other.bytes)
      pages = pages.plus(other.pages)
    }
  }

  private static var members: StaticString { "members" }
  private static var entries: StaticString { "entries" }
  private static var bytes: StaticString { "bytes" }
  private static var pages: StaticString { "pages" }
  private static var realInit: StaticString { "init" }

  public init() {}

  /// Reads the file. Lines of other keys, and values that are no numbers, say nothing.
  public init(_ content: [UInt8]) {
    var (entries, bytes, pages): (Int?, Int?, Int?)
    for line in content.split(separator: 0x0a) {
      guard let space = line.firstIndex(of: 0x20) else { continue }
      let (key, value) = (line[..<space], line[(space + 1)...])
      if key.equals(Self.members) {
        members = number(value) ?? 0
      } else if key.equals(Self.entries) {
        entries = number(value)
      } else if key.equals(Self.bytes) {
        bytes = number(value)
      } else if key.equals(Self.pages) {
        pages = number(value)
      } else if key.equals(Self.realInit) {
        realInit = Array(value)
      }
    }
    if let entries, let bytes, let pages {
      tree = Tree(entries: entries, bytes: bytes, pages: pages)
    }
  }

  /// The file.
  public var text: Text {
    var text = Text()
    func add(_ key: StaticString, _ value: Int) {
      text.add(key)
      text.add(" ")
      text.add(value)
      text.add("\n")
    }
    add(Self.members, members)
    if let tree {
      add(Self.entries, tree.entries)
      add(Self.bytes, tree.bytes)
      add(Self.pages, tree.pages)
    }
    if let realInit {
      text.add(Self.realInit)
      text.add(" ")
      text.add(realInit)
      text.add("\n")
    }
    return text
  }
}
