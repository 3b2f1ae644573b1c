// SPDX-License-Identifier: MIT

/// What `leafroot pack` and `nest` record about a payload, in `/.leafroot/ID/about`: lines
/// `KEY VALUE`.
public struct PayloadManifest: Equatable, Sendable {
  /// The number of the payload's files that pack made: the first has all directories, the others
  /// are independent of each other. 0: the files are unpacked one after the other.
  public var members = 0

  /// The size of the tree; nil if unknown.
  public var tree: Tree?

  /// The most memory that the decoder of one of the files takes, in bytes.
  public var decoder = 0

  /// The real init that the builder asked for.
  public var realInit: [UInt8]?

  /// The directories whose content is in the payload's squashfs, without a leading slash. ``tree``
  /// counts each of them, but nothing below it.
  public var squash: [[UInt8]] = []

  /// What the squashfs holds; nil if there is none.
  public var squashed: Squashed?

  /// The number of files after ``members`` that are unpacked over the squashed directories: they
  /// have what a squashfs cannot hold.
  public var over = 0

  /// The content of a squashfs.
  public struct Squashed: Equatable, Sendable {
    /// Names.
    public var entries: Int
    /// Bytes of content, before compression.
    public var bytes: Int

    public init(entries: Int, bytes: Int) {
      self.entries = entries
      self.bytes = bytes
    }
  }

  /// The size of a tree.
  public struct Tree: Equatable, Sendable {
    /// Names, counted like inodes of a tmpfs: each hard link is one.
    public var entries: Int
    /// Bytes of content.
    public var bytes: Int
    /// The content in pages, rounded up for each file, for each of ``pageSizes``.
    public var pages: [Int]

    /// In bytes. Kernels for aarch64 have one of these; the others have the first.
    public static var pageSizes: [Int] { [4 << 10, 16 << 10, 64 << 10] }

    public init(entries: Int, bytes: Int, pages: [Int]) {
      self.entries = entries
      self.bytes = bytes
      self.pages = pages
    }

    /// A tree without files.
    public init() { self.init(entries: 0, bytes: 0, pages: Self.pageSizes.map { _ in 0 }) }

    /// Adds another tree.
    public mutating func add(_ other: Tree) {
      entries = entries.plus(other.entries)
      bytes = bytes.plus(other.bytes)
      for index in pages.indices { pages[index] = pages[index].plus(other.pages[index]) }
    }
  }

  private static var members: StaticString { "members" }
  private static var entries: StaticString { "entries" }
  private static var bytes: StaticString { "bytes" }
  private static var pages: StaticString { "pages" }
  private static var decoder: StaticString { "decoder" }
  private static var realInit: StaticString { "init" }
  private static var squash: StaticString { "squash" }
  private static var squashed: StaticString { "squashed" }
  private static var over: StaticString { "over" }

  public init() {}

  /// Parses the file. Ignores lines with other keys, and values that are not numbers.
  public init(_ content: [UInt8]) {
    var (entries, bytes): (Int?, Int?)
    var pages: [Int] = []
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
        pages = Self.numbers(value)
      } else if key.equals(Self.decoder) {
        decoder = number(value) ?? 0
      } else if key.equals(Self.realInit) {
        realInit = Array(value)
      } else if key.equals(Self.squash) {
        squash.append(Array(value))
      } else if key.equals(Self.squashed) {
        let numbers = Self.numbers(value)
        if numbers.count == 2 { squashed = Squashed(entries: numbers[0], bytes: numbers[1]) }
      } else if key.equals(Self.over) {
        over = number(value) ?? 0
      }
    }
    if let entries, let bytes, pages.count == Tree.pageSizes.count {
      tree = Tree(entries: entries, bytes: bytes, pages: pages)
    }
  }

  /// Parses numbers; returns none if one of them is malformed.
  private static func numbers(_ text: ArraySlice<UInt8>) -> [Int] {
    var numbers: [Int] = []
    for word in text.split(separator: 0x20) {
      guard let number = number(word) else { return [] }
      numbers.append(number)
    }
    return numbers
  }

  /// The content of the file.
  public var text: Text {
    var text = Text()
    func add(_ key: StaticString, _ values: Int...) {
      text.add(key)
      for value in values {
        text.add(" ")
        text.add(value)
      }
      text.add("\n")
    }
    func add(_ key: StaticString, _ value: [UInt8]) {
      text.add(key)
      text.add(" ")
      text.add(value)
      text.add("\n")
    }
    add(Self.members, members)
    if let tree {
      add(Self.entries, tree.entries)
      add(Self.bytes, tree.bytes)
      add(Self.pages, tree.pages[0], tree.pages[1], tree.pages[2])
    }
    if decoder > 0 { add(Self.decoder, decoder) }
    if let realInit { add(Self.realInit, realInit) }
    for directory in squash { add(Self.squash, directory) }
    if let squashed { add(Self.squashed, squashed.entries, squashed.bytes) }
    if over > 0 { add(Self.over, over) }
    return text
  }
}
