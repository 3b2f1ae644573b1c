// SPDX-License-Identifier: MIT

import Images
import Initramfs
import Newc

/// A file tree in memory to which tar archives are applied in order.
///
/// Paths never lead out of it, not even through symbolic links: they are resolved as if its root
/// were `/`, whose `..` is `/` itself. containerd and umoci do the same.
struct LayeredTree {
  /// Why an entry cannot be applied.
  enum Fault: Error {
    /// The path, or a component of it, is longer than the kernel allows.
    case tooLong
    /// The path leads through more symbolic links than the kernel follows, such as this one.
    case linkLoop([UInt8], target: [UInt8])
    /// The path leads through this file, which is not a directory.
    case throughFile([UInt8])
    /// The entry is the root, but not a directory.
    case root
    /// The entry is a hard link to this file, which does not exist or is a directory.
    case noLinkTarget([UInt8])
    /// There are more files than may be kept in memory.
    case tooMany
  }

  private struct Node {
    var entry: Entry
    var target: [UInt8] = []
    var seconds: Int64 = 0
    var xattrs: [Xattr] = []
    var sparse: SparseMap?
    /// The number of the record that has its content.
    var content: Int?
    /// The entries of a directory.
    var children: [[UInt8]: Int] = [:]

    var isDirectory: Bool { entry.type == .directory }
  }

  private var nodes = [Node(entry: Self.impliedDirectory)]
  // A cache: records of one directory mostly follow one another.
  private var lastDirectory: (path: [ArraySlice<UInt8>], node: Int) = ([], 0)

  private static let impliedDirectory = Entry(
    name: [], mode: Entry.FileType.directory.rawValue | 0o755)
  private static let limit = 2_000_000

  // MARK: Changes

  /// Applies one record.
  ///
  /// - Parameter content: The number of the record that has its content.
  mutating func apply(_ entry: TarEntry, content: Int) throws(Fault) {
    var path = try Self.components(entry.name)
    guard let name = path.popLast().map(Array.init) else {
      guard entry.isDirectory else { throw .root }
      return setAttributes(of: 0, entry)
    }
    let directory = try directory(path)
    if let link = entry.hardLink {
      let node = try linkTarget(link)
      if entry.file.size > 0, nodes[node].entry.type == .regular {
        nodes[node].entry.size = entry.file.size
        nodes[node].sparse = entry.sparse
        nodes[node].content = content
      }
      if nodes[directory].children[name] != node { put(node, name, in: directory) }
      return
    }
    if entry.isDirectory, let node = nodes[directory].children[name], nodes[node].isDirectory {
      return setAttributes(of: node, entry)
    }
    let node = try make(Node(entry: entry.file))
    setAttributes(of: node, entry)
    if entry.file.type == .regular, entry.dataSize > 0 { nodes[node].content = content }
    put(node, name, in: directory)
  }

  /// Removes the file `name`, if it exists, with everything in it.
  mutating func remove(_ name: [UInt8]) throws(Fault) {
    var path = try Self.components(name)
    guard let name = path.popLast().map(Array.init), let directory = try find(path, follow: true)
    else { return }
    nodes[directory].children[name] = nil
    lastDirectory = ([], 0)
  }

  /// Removes everything in a directory, if it exists.
  mutating func empty(_ name: [UInt8]) throws(Fault) {
    guard let directory = try find(try Self.components(name), follow: true) else { return }
    nodes[directory].children = [:]
    lastDirectory = ([], 0)
  }

  private mutating func setAttributes(of node: Int, _ entry: TarEntry) {
    nodes[node].entry = entry.file
    nodes[node].target = entry.target
    nodes[node].seconds = entry.seconds
    nodes[node].xattrs = entry.xattrs
    nodes[node].sparse = entry.sparse
  }

  private mutating func make(_ node: Node) throws(Fault) -> Int {
    guard nodes.count < Self.limit else { throw .tooMany }
    nodes.append(node)
    return nodes.count - 1
  }

  private mutating func put(_ node: Int, _ name: [UInt8], in directory: Int) {
    let old = nodes[directory].children.updateValue(node, forKey: name)
    // The cached path may lead through it.
    if old != nil { lastDirectory = ([], 0) }
  }

  // MARK: Paths

  /// The components of a path without empty ones and `.`; a `..` removes the one before it. umoci
  /// and containerd apply Go's filepath.Clean to names.
  private static func components(_ path: [UInt8]) throws(Fault) -> [ArraySlice<UInt8>] {
    guard path.count < Writer.pathLimit else { throw .tooLong }
    var components: [ArraySlice<UInt8>] = []
    for component in PathWalk<Int>.components(path) where !component.elementsEqual(dot) {
      if component.count > Writer.componentLimit { throw .tooLong }
      if component.elementsEqual(dotDot) {
        _ = components.popLast()
      } else {
        components.append(component)
      }
    }
    return components
  }

  private static let dot = Array(".".utf8)
  private static let dotDot = Array("..".utf8)

  /// The directory at `path`; missing directories are made.
  private mutating func directory(_ path: [ArraySlice<UInt8>]) throws(Fault) -> Int {
    if lastDirectory.path == path { return lastDirectory.node }
    var walk = PathWalk(path, from: 0)
    while let name = walk.next() {
      if let child = nodes[walk.directory].children[name] {
        try follow(child, name, &walk)
      } else {
        // A symbolic link's target may contain anything.
        if name.count > Writer.componentLimit { throw .tooLong }
        let child = try make(Node(entry: Self.impliedDirectory))
        nodes[walk.directory].children[name] = child
        walk.enter(child, name)
      }
    }
    lastDirectory = (path, walk.directory)
    return walk.directory
  }

  /// The file at `path`; nil if there is none.
  private func find(_ path: [ArraySlice<UInt8>], follow: Bool) throws(Fault) -> Int? {
    var walk = PathWalk(path, from: 0)
    while let name = walk.next() {
      guard let child = nodes[walk.directory].children[name] else { return nil }
      if walk.isAtEnd, !follow || nodes[child].entry.type != .symbolicLink { return child }
      try self.follow(child, name, &walk)
    }
    return walk.directory
  }

  private func linkTarget(_ name: [UInt8]) throws(Fault) -> Int {
    guard let node = try find(try Self.components(name), follow: false), !nodes[node].isDirectory
    else {
      throw .noLinkTarget(name)
    }
    return node
  }

  /// Continues with `node`, which is called `name`.
  private func follow(_ node: Int, _ name: [UInt8], _ walk: inout PathWalk<Int>) throws(Fault) {
    switch nodes[node].entry.type {
    case .directory: walk.enter(node, name)
    case .symbolicLink:
      let target = nodes[node].target
      let path = walk.path(of: name)
      guard walk.enter(link: target) else { throw .linkLoop(path, target: target) }
    default: throw .throughFile(walk.path(of: name))
    }
  }

  // MARK: The whole

  /// All files, sorted by their first names, and the record that has the content of each.
  func files() -> (files: [TreeFile], contents: [Int: Int]) {
    var names: [Int: [[UInt8]]] = [0: [[]]]
    var waiting: [(node: Int, path: [UInt8])] = [(0, [])]
    while let (directory, path) = waiting.popLast() {
      for (name, node) in nodes[directory].children {
        let path = path.isEmpty ? name : path + [UInt8(ascii: "/")] + name
        names[node, default: []].append(path)
        if nodes[node].isDirectory { waiting.append((node, path)) }
      }
    }

    var all: [(file: TreeFile, content: Int?)] = []
    for (index, names) in names {
      let node = nodes[index]
      let file = TreeFile(
        names: names.sorted { $0.lexicographicallyPrecedes($1) }, entry: node.entry,
        target: node.target, seconds: node.seconds, xattrs: node.xattrs, sparse: node.sparse)
      all.append((file, node.content))
    }
    all.sort { $0.file.names[0].lexicographicallyPrecedes($1.file.names[0]) }
    var contents: [Int: Int] = [:]
    for (index, one) in all.enumerated() {
      if let content = one.content { contents[content] = index }
    }
    return (all.map(\.file), contents)
  }
}
