// SPDX-License-Identifier: MIT

package import Initramfs
package import Newc

/// The file tree that the kernel makes of an image, in memory and without file data.
package struct MemoryTree {
  /// A negative errno.
  private struct Refused: Error {
    let result: Int
    init(_ code: Int32) { result = -Int(code) }
  }

  private struct Key: Hashable {
    let directory: Int
    let name: [UInt8]
  }

  package private(set) var nodes = [Node(mode: 0o041777)]
  /// The limit that made a call return ENOMEM.
  private(set) var limit: InspectionLimit?
  /// The number of the current record.
  package var record = 0
  /// The data extents of the current record.
  var sparse: SparseMap?

  private var table: [Key: Int] = [:]
  // Caches: records of one directory mostly follow one another, and calls for one file always do.
  private var lastParent: (path: ArraySlice<UInt8>, node: Int) = ([], 0)
  private var lastPlace: (path: [UInt8], place: Place)?
  private var lastFile: (path: [UInt8], node: Int) = ([], 0)
  private var linkSteps = 0
  private var isConsoleTouched = false
  // The names made so far, including those of removed files.
  private var made = 0
  private let fileLimit: Int

  init(fileLimit: Int = InspectionLimit.files.limit) { self.fileLimit = fileLimit }

  /// The tree that the kernel unpacks into: nodes 1 to 3 come from its built-in archive.
  ///
  /// - Parameter fileLimit: The number of names that an image may add.
  package static func builtIn(fileLimit: Int = InspectionLimit.files.limit) -> MemoryTree {
    var tree = MemoryTree(fileLimit: fileLimit)
    for entry in BuiltInArchive.entries {
      _ =
        entry.type == .directory
        ? tree.mkdir(entry.name, entry.mode)
        : tree.mknod(entry.name, entry.mode, entry.specialDevice)
    }
    tree.made = 0
    return tree
  }

  /// Whether a record made or touched /dev/console.
  var hasOwnConsole: Bool {
    guard let node = find(Array("/dev/console".utf8), follow: true) else { return false }
    return node != 2 || isConsoleTouched
  }

  /// Whether /dev/console is a regular file.
  var hasConsoleFile: Bool {
    find(Array("/dev/console".utf8), follow: true).map { nodes[$0].type == .regular } ?? false
  }

  /// The file at `path`; nil if there is none.
  func find(_ path: [UInt8], follow: Bool) -> Int? {
    var walk = PathWalk()
    return try? find(path[...], from: 0, follow: follow, &walk)
  }

  /// All named files, each with its sorted paths from the root, without a leading slash; the root's
  /// own path is empty.
  package func paths() -> [(node: Int, names: [[UInt8]])] {
    var children: [Int: [(name: [UInt8], node: Int)]] = [:]
    for (key, node) in table { children[key.directory, default: []].append((key.name, node)) }

    var names: [Int: [[UInt8]]] = [0: [[]]]
    var waiting: [(node: Int, path: [UInt8])] = [(0, [])]
    while let (directory, path) = waiting.popLast() {
      for (name, node) in children[directory] ?? [] {
        let path = path.isEmpty ? name : path + [MemoryTree.slash] + name
        names[node, default: []].append(path)
        if nodes[node].type == .directory { waiting.append((node, path)) }
      }
    }
    return names.map { ($0.key, $0.value.sorted { $0.lexicographicallyPrecedes($1) }) }
  }

  // MARK: Names

  /// A directory and a name in it.
  private struct Place {
    let directory: Int
    let name: [UInt8]
    /// Whether the name is `.`, `..` or empty.
    var isDots = false
    /// Whether a slash follows, which is allowed only after the name of a directory.
    var hasSlash = false

    var key: Key { Key(directory: directory, name: name) }
  }

  @discardableResult
  private mutating func make(_ node: Node, _ place: Place) -> Int {
    nodes.append(node)
    nodes[nodes.count - 1].parent = place.directory
    enter(nodes.count - 1, place)
    return nodes.count - 1
  }

  private mutating func enter(_ node: Int, _ place: Place) {
    table[place.key] = node
    nodes[place.directory].count += 1
    made += 1
  }

  private static let slash = UInt8(ascii: "/")

  /// The place of a path whose directory must exist.
  private mutating func place(of path: [UInt8]) throws(Refused) -> Place {
    if let lastPlace, lastPlace.path == path { return lastPlace.place }
    let place = try findPlace(of: path)
    lastPlace = (path, place)
    return place
  }

  private mutating func findPlace(of path: [UInt8]) throws(Refused) -> Place {
    var end = path.endIndex
    while end > 0, path[end - 1] == MemoryTree.slash { end -= 1 }
    let cut = path[..<end].lastIndex(of: MemoryTree.slash)
    let name = path[(cut.map { $0 + 1 } ?? 0)..<end]
    let parent = path[..<(cut ?? 0)]
    if lastParent.path != parent {
      let node = try findCounted(parent, follow: true)
      guard nodes[node].type == .directory else { throw Refused(ErrorNumber.notDirectory) }
      lastParent = (parent, node)
    }
    let isDots = name.isEmpty || name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8)
    return Place(
      directory: lastParent.node, name: Array(name), isDots: isDots, hasSlash: end < path.endIndex)
  }

  /// The place of a new name: `filename_create` in fs/namei.c.
  private mutating func newPlace(
    of path: [UInt8], isDirectory: Bool = false
  ) throws(Refused) -> Place {
    let place = try place(of: path)
    if place.isDots { throw Refused(ErrorNumber.exists) }
    guard place.name.count <= Writer.componentLimit else {
      throw Refused(ErrorNumber.nameTooLong)
    }
    guard table[place.key] == nil else { throw Refused(ErrorNumber.exists) }
    if place.hasSlash, !isDirectory { throw Refused(ErrorNumber.noEntry) }
    if made >= fileLimit { throw tooMuch(.files) }
    return place
  }

  private mutating func tooMuch(_ limit: InspectionLimit) -> Refused {
    self.limit = limit
    return Refused(ErrorNumber.noMemory)
  }

  /// The file at `path`, for a call: counts steps through symbolic links.
  private mutating func node(of path: [UInt8]) throws(Refused) -> Int {
    if lastFile.node > 0, lastFile.path == path { return lastFile.node }
    let place = try place(of: path)
    guard !place.isDots, !place.hasSlash, place.name.count <= Writer.componentLimit else {
      return try findCounted(path[...], follow: false)
    }
    guard let node = table[place.key] else { throw Refused(ErrorNumber.noEntry) }
    lastFile = (path, node)
    return node
  }

  private mutating func findCounted(
    _ path: ArraySlice<UInt8>, follow: Bool
  ) throws(Refused) -> Int {
    if linkSteps > InspectionLimit.steps.limit { throw tooMuch(.steps) }
    var walk = PathWalk()
    defer { linkSteps += walk.linkSteps }
    return try find(path, from: 0, follow: follow, &walk)
  }

  private mutating func forget() {
    lastParent = ([], 0)
    lastPlace = nil
    lastFile = ([], 0)
  }

  /// The state of following a path.
  private struct PathWalk {
    /// The number of symbolic links that may still follow: include/linux/namei.h, MAXSYMLINKS.
    var linksLeft = 40
    /// The nesting depth of symbolic links.
    var depth = 0
    /// The number of components that came from symbolic links.
    var linkSteps = 0
  }

  /// fs/namei.c, `link_path_walk`.
  private func find(
    _ path: ArraySlice<UInt8>, from start: Int, follow: Bool, _ walk: inout PathWalk
  ) throws(Refused) -> Int {
    var node = path.first == MemoryTree.slash ? 0 : start
    var rest = path
    while let first = rest.firstIndex(where: { $0 != MemoryTree.slash }) {
      let end = rest[first...].firstIndex(of: MemoryTree.slash) ?? rest.endIndex
      let component = rest[first..<end]
      rest = rest[end...]
      guard nodes[node].type == .directory else { throw Refused(ErrorNumber.notDirectory) }
      if walk.depth > 0 { walk.linkSteps += 1 }
      let directory = node
      node = try step(component, in: directory)
      if nodes[node].type == .symbolicLink, follow || !rest.isEmpty {
        walk.linksLeft -= 1
        guard walk.linksLeft >= 0 else { throw Refused(ErrorNumber.linkLoop) }
        walk.depth += 1
        node = try find(nodes[node].target[...], from: directory, follow: true, &walk)
        walk.depth -= 1
      }
    }
    if path.last == MemoryTree.slash, nodes[node].type != .directory {
      throw Refused(ErrorNumber.notDirectory)
    }
    return node
  }

  private func step(_ name: ArraySlice<UInt8>, in directory: Int) throws(Refused) -> Int {
    if name.elementsEqual(".".utf8) { return directory }
    if name.elementsEqual("..".utf8) { return nodes[directory].parent }
    guard name.count <= Writer.componentLimit else { throw Refused(ErrorNumber.nameTooLong) }
    guard let node = table[Key(directory: directory, name: Array(name))] else {
      throw Refused(ErrorNumber.noEntry)
    }
    return node
  }
}

extension MemoryTree: FileSystem {
  package mutating func lstat(_ path: [UInt8]) -> Int {
    result { tree throws(Refused) in Int(tree.nodes[try tree.node(of: path)].mode) }
  }

  package mutating func mkdir(_ path: [UInt8], _ mode: UInt32) -> Int {
    result { tree throws(Refused) in
      let place = try tree.newPlace(of: path, isDirectory: true)
      tree.lastFile = (path, tree.make(Node(mode: mode), place))
      return 0
    }
  }

  package mutating func mknod(_ path: [UInt8], _ mode: UInt32, _ device: Device) -> Int {
    result { tree throws(Refused) in
      let place = try tree.newPlace(of: path)
      tree.lastFile = (path, tree.make(Node(mode: mode, device: device), place))
      return 0
    }
  }

  package mutating func symlink(_ target: [UInt8], _ path: [UInt8]) -> Int {
    result { tree throws(Refused) in
      guard target.count < Writer.pathLimit else { throw Refused(ErrorNumber.nameTooLong) }
      let place = try tree.newPlace(of: path)
      let node = Node(mode: 0o120777, size: UInt64(target.count), target: target)
      tree.lastFile = (path, tree.make(node, place))
      return 0
    }
  }

  package mutating func link(_ old: [UInt8], _ new: [UInt8]) -> Int {
    result { tree throws(Refused) in
      let node = try tree.findCounted(old[...], follow: false)
      let place = try tree.newPlace(of: new)
      // link(2) returns EPERM. For the unpacker, that means a file system without hard links.
      if tree.nodes[node].type == .directory { throw Refused(ErrorNumber.isDirectory) }
      tree.enter(node, place)
      tree.nodes[node].names += 1
      return 0
    }
  }

  package mutating func unlink(_ path: [UInt8]) -> Int { remove(path, isDirectory: false) }
  package mutating func rmdir(_ path: [UInt8]) -> Int { remove(path, isDirectory: true) }

  private mutating func remove(_ path: [UInt8], isDirectory: Bool) -> Int {
    result { tree throws(Refused) in
      let place = try tree.place(of: path)
      if place.isDots { throw Refused(ErrorNumber.invalid) }
      guard let node = tree.table[place.key] else { throw Refused(ErrorNumber.noEntry) }
      guard (tree.nodes[node].type == .directory) == isDirectory, isDirectory || !place.hasSlash
      else {
        throw Refused(isDirectory ? ErrorNumber.notDirectory : ErrorNumber.isDirectory)
      }
      if tree.nodes[node].count > 0 { throw Refused(ErrorNumber.notEmpty) }
      tree.table[place.key] = nil
      tree.nodes[node].names -= 1
      tree.nodes[place.directory].count -= 1
      tree.forget()
      return 0
    }
  }

  package mutating func chown(_ path: [UInt8], _ user: UInt32, _ group: UInt32) -> Int {
    result { tree throws(Refused) in tree.chown(try tree.node(of: path), user, group) }
  }

  package mutating func chmod(_ path: [UInt8], _ mode: UInt32) -> Int {
    result { tree throws(Refused) in tree.chmod(try tree.node(of: path), mode) }
  }

  package mutating func utime(_ path: [UInt8], _ time: Int64) -> Int {
    result { tree throws(Refused) in tree.utime(try tree.node(of: path), time) }
  }

  package func setxattr(_ path: [UInt8], _ xattr: Xattr) -> Int { 0 }

  /// Returns the number of the node.
  package mutating func open(_ path: [UInt8], truncating: Bool) -> Int {
    result { tree throws(Refused) in try tree.open(path, truncating, linksLeft: 40) }
  }

  private mutating func open(
    _ path: [UInt8], _ truncating: Bool, linksLeft: Int
  ) throws(Refused) -> Int {
    let place = try place(of: path)
    if place.isDots || place.hasSlash { throw Refused(ErrorNumber.isDirectory) }
    guard let node = table[place.key] else {
      let node = make(Node(mode: 0o100600), try newPlace(of: path))
      nodes[node].dataRecord = record
      return node
    }
    switch nodes[node].type {
    case .regular:
      if truncating { _ = truncate(node, to: 0) }
      return node
    case .symbolicLink:
      // The name now belongs to a symbolic link: the kernel follows it.
      guard linksLeft > 0 else { throw Refused(ErrorNumber.linkLoop) }
      let target = nodes[node].target
      let end = path.lastIndex(of: MemoryTree.slash).map { $0 + 1 } ?? 0
      return try open(
        target.first == MemoryTree.slash ? target : path[..<end] + target, truncating,
        linksLeft: linksLeft - 1)
    case .directory: throw Refused(ErrorNumber.isDirectory)
    default: throw Refused(ErrorNumber.noDevice)
    }
  }

  package mutating func chown(_ file: Int, _ user: UInt32, _ group: UInt32) -> Int {
    if file == 2 { isConsoleTouched = true }
    // chown(2): -1 leaves the owner unchanged.
    if user != .max { nodes[file].userID = user }
    if group != .max { nodes[file].groupID = group }
    return 0
  }

  package mutating func chmod(_ file: Int, _ mode: UInt32) -> Int {
    nodes[file].mode = nodes[file].mode & 0o170000 | mode & 0o7777
    return 0
  }

  package mutating func truncate(_ file: Int, to size: UInt64) -> Int {
    nodes[file].size = size
    nodes[file].sparse = sparse?.size == size ? sparse : nil
    nodes[file].dataRecord = record
    return 0
  }

  package func write(
    _ file: Int, _ bytes: UnsafeRawBufferPointer, at offset: UInt64
  ) -> Int { bytes.count }

  package func setxattr(_ file: Int, _ xattr: Xattr) -> Int { 0 }

  package mutating func utime(_ file: Int, _ time: Int64) -> Int {
    nodes[file].modificationTime = time
    return 0
  }

  package func close(_ file: Int) {}

  private mutating func result(_ body: (inout MemoryTree) throws(Refused) -> Int) -> Int {
    do throws(Refused) { return try body(&self) } catch { return error.result }
  }
}
