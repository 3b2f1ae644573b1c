// SPDX-License-Identifier: MIT

import Files
import Newc

/// A file tree in memory, to which tar archives are applied one after the other.
///
/// Paths never lead out of it: `..` is refused, and so is a path through a symbolic link that is
/// absolute or has a `..` (GNU tar extracts through none of these either).
struct LayeredTree {
  /// Why an entry cannot be applied.
  enum Fault: Error {
    /// It has a component `..`.
    case leadsOut
    /// It is longer than the kernel takes, or a component of it is.
    case tooLong
    /// It leads through this symbolic link.
    case throughLink([UInt8], target: [UInt8])
    /// It leads through this file, which is no directory.
    case throughFile([UInt8])
    /// It is the root, and no directory.
    case root
    /// It is another name of this file, which is not there, or is a directory.
    case noLinkTarget([UInt8])
    /// There are more files than are kept in memory.
    case tooMany
  }

  private struct Node {
    var entry: Entry
    var target: [UInt8] = []
    var seconds: Int64 = 0
    var xattrs: [Xattr] = []
    /// What has its content.
    var content: Int?
    /// Of a directory.
    var children: [[UInt8]: Int] = [:]

    var isDirectory: Bool { entry.type == .directory }
  }

  private var nodes = [Node(entry: Self.impliedDirectory)]
  // Records of one directory mostly come together.
  private var lastDirectory: (path: [ArraySlice<UInt8>], node: Int) = ([], 0)

  private static let impliedDirectory = Entry(
    name: [], mode: Entry.FileType.directory.rawValue | 0o755)
  private static let limit = 2_000_000

  // MARK: Changes

  /// Applies one record.
  ///
  /// - Parameter content: what stands for its content.
  mutating func apply(_ entry: TarEntry, content: Int) throws(Fault) {
    var path = try Self.components(entry.name)
    guard let name = path.popLast().map(Array.init) else {
      guard entry.isDirectory else { throw .root }
      return setAttributes(of: 0, entry)
    }
    let directory = try directory(path)
    if let link = entry.hardLink {
      let node = try linkTarget(link)
      if entry.file.size > 0 {
        nodes[node].entry.size = entry.file.size
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
    if entry.file.type == .regular, entry.file.size > 0 { nodes[node].content = content }
    put(node, name, in: directory)
  }

  /// Removes the file of this name, if there is one, with what is in it.
  mutating func remove(_ name: [UInt8]) throws(Fault) {
    var path = try Self.components(name)
    guard let name = path.popLast().map(Array.init), let directory = try find(path) else { return }
    nodes[directory].children[name] = nil
    lastDirectory = ([], 0)
  }

  /// Removes all that is in a directory, if there is one.
  mutating func empty(_ name: [UInt8]) throws(Fault) {
    guard let directory = try find(try Self.components(name)) else { return }
    nodes[directory].children = [:]
    lastDirectory = ([], 0)
  }

  private mutating func setAttributes(of node: Int, _ entry: TarEntry) {
    nodes[node].entry = entry.file
    nodes[node].target = entry.target
    nodes[node].seconds = entry.seconds
    nodes[node].xattrs = entry.xattrs
  }

  private mutating func make(_ node: Node) throws(Fault) -> Int {
    guard nodes.count < Self.limit else { throw .tooMany }
    nodes.append(node)
    return nodes.count - 1
  }

  private mutating func put(_ node: Int, _ name: [UInt8], in directory: Int) {
    let old = nodes[directory].children.updateValue(node, forKey: name)
    // The last path may lead through it.
    if old != nil { lastDirectory = ([], 0) }
  }

  // MARK: Paths

  /// Without empty ones and `.`.
  private static func components(_ path: [UInt8]) throws(Fault) -> [ArraySlice<UInt8>] {
    guard path.count < Writer.pathLimit else { throw .tooLong }
    let components = path.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(dot) }
    for component in components {
      if component.elementsEqual(dotDot) { throw .leadsOut }
      if component.count > Writer.componentLimit { throw .tooLong }
    }
    return components
  }

  private static let dot = Array(".".utf8)
  private static let dotDot = Array("..".utf8)

  /// The directory of that path; what is missing of it is made.
  private mutating func directory(_ path: [ArraySlice<UInt8>]) throws(Fault) -> Int {
    if lastDirectory.path == path { return lastDirectory.node }
    var node = 0
    var walk = Walk(path)
    while let name = walk.next() {
      if let child = nodes[node].children[name] {
        node = try follow(child, &walk) ?? node
      } else {
        let child = try make(Node(entry: Self.impliedDirectory))
        nodes[node].children[name] = child
        node = child
      }
    }
    lastDirectory = (path, node)
    return node
  }

  /// The file of that path, which is not followed itself; nil if there is none.
  private func find(_ path: [ArraySlice<UInt8>]) throws(Fault) -> Int? {
    var node = 0
    var walk = Walk(path)
    while let name = walk.next() {
      guard let child = nodes[node].children[name] else { return nil }
      if walk.isAtEnd { return child }
      node = try follow(child, &walk) ?? node
    }
    return node
  }

  private func linkTarget(_ name: [UInt8]) throws(Fault) -> Int {
    guard let node = try find(try Self.components(name)), !nodes[node].isDirectory else {
      throw .noLinkTarget(name)
    }
    return node
  }

  /// A path that is being followed.
  private struct Walk {
    /// Reversed.
    private var rest: [ArraySlice<UInt8>]
    private var passed: [[UInt8]] = []
    private var linksLeft = 40

    init(_ path: [ArraySlice<UInt8>]) { rest = path.reversed() }

    var isAtEnd: Bool { rest.isEmpty }
    /// The path up to here.
    var place: [UInt8] { Array(passed.joined(separator: [UInt8(ascii: "/")])) }

    mutating func next() -> [UInt8]? {
      guard let next = rest.popLast() else { return nil }
      passed.append(Array(next))
      return passed.last
    }

    /// Goes on where the link at the last name leads.
    mutating func insert(_ target: [ArraySlice<UInt8>]) -> Bool {
      linksLeft -= 1
      passed.removeLast()
      rest += target.reversed()
      return linksLeft >= 0
    }
  }

  /// - Returns: nil if `node` is a symbolic link, whose target is now a part of the way.
  private func follow(_ node: Int, _ walk: inout Walk) throws(Fault) -> Int? {
    switch nodes[node].entry.type {
    case .directory: return node
    case .symbolicLink:
      let target = nodes[node].target
      let place = walk.place
      guard target.first != UInt8(ascii: "/"), let path = try? Self.components(target),
        walk.insert(path)
      else { throw .throughLink(place, target: target) }
      return nil
    default: throw .throughFile(walk.place)
    }
  }

  // MARK: The whole

  /// All files, by their first names, and what stands for the content of each.
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
        target: node.target, seconds: node.seconds, xattrs: node.xattrs)
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
