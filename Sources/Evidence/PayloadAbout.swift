// SPDX-License-Identifier: MIT

/// What `leafroot pack` and `nest` say about a payload, in `/.leafroot/about`: lines `KEY VALUE`.
public struct PayloadAbout: Equatable, Sendable {
  /// How many of the payload's files pack has made: the first has all directories, the others are
  /// independent of each other. 0: the files are unpacked one after the other.
  public var members = 0

  /// The size of the tree; nil if it is not known.
  public var tree: Tree?

  /// The real init, if it is not one of the kernel's list.
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
  }

  private static var members: StaticString { "members" }
  private static var entries: StaticString { "entries" }
  private static var bytes: StaticString { "bytes" }
  private static var pages: StaticString { "pages" }
  private static var realInit: StaticString { "init" }

  public init() {}

  /// What is true of no image: pack puts it before the members, and what is true behind them, where
  /// the kernel replaces the file. Only an image that is cut short keeps it.
  public static var unfinished: PayloadAbout {
    var about = PayloadAbout()
    about.members = 1 << 20
    return about
  }

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
    if members > 0 { add(Self.members, members) }
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
