// SPDX-License-Identifier: MIT

import Initramfs
import Newc
import SystemPackage

/// The file tree that the kernel makes of an image, in memory and without the data.
///
/// It begins with what the kernel's built-in archive brings (usr/default_cpio_list) and holds what
/// ``apply(_:)`` has made of each record since, as init/initramfs.c and the system calls that it
/// uses would have.
struct MemoryTree {
  /// A file.
  struct Node {
    var mode: UInt32
    var userID: UInt32 = 0
    var groupID: UInt32 = 0
    var modificationTime: UInt32 = 0
    var device = Device()
    var size: UInt64 = 0
    var target: [UInt8] = []
    /// How many names it has; of a directory, 1 while it is there.
    var names = 1
    /// The directory that a directory is in.
    var parent = 0
    /// How many files are in a directory.
    var count = 0
    /// The record that its data came with, as a running number.
    var dataRecord: Int?

    var type: Entry.FileType? { Entry.FileType(rawValue: mode & 0o170000) }
  }

  /// Why a record makes nothing.
  enum Loss: Error, Hashable {
    case nameEmpty, nameNoFile, componentTooLong
    case parentMissing, parentNotDirectory, tooManyLinks
    case directoryInTheWay
    case typeUnknown, targetTooLong, firstNameGone
  }

  /// What a record has done.
  enum Outcome {
    /// It made a file, or wrote again what was there in the same type; the second is then true.
    case made(Int, again: Bool)
    /// It removed a file of that type first.
    case replaced(Int, Entry.FileType)
    /// It made another name of a file.
    case linked(Int)
    /// It did nothing.
    case lost(Loss)

    /// The file that data goes to.
    var node: Int? {
      switch self {
      case .made(let node, _), .replaced(let node, _), .linked(let node): node
      case .lost: nil
      }
    }
  }

  private struct Key: Hashable {
    let directory: Int
    let name: [UInt8]
  }

  private struct LinkKey: Hashable {
    let device: Device
    let inode: UInt32
    let type: UInt32
  }

  /// What a small image could ask too much of, and what stops its reading.
  enum Excess: Error {
    /// They are kept in memory.
    case files
    /// The names that symbolic links lead through: a path of 4 KiB can lead through 80,000.
    case steps

    var limit: Int { self == .files ? 1_000_000 : 4_000_000 }

    func error(_ path: FilePath) -> FileError {
      let things = self == .files ? "files" : "steps through symbolic links"
      return FileError(path, "has more than \(limit) \(things); only --list reads it")
    }
  }

  private(set) var nodes = [Node(mode: 0o041777)]
  private var table: [Key: Int] = [:]
  private var links: [LinkKey: [UInt8]] = [:]
  // Records of one directory mostly come together.
  private var lastParent: (path: ArraySlice<UInt8>, node: Int) = ([], 0)
  private var recordCount = 0
  private var linkSteps = 0
  private var isConsoleTouched = false

  /// A tree with /dev, /dev/console and /root.
  init() {
    add(Node(mode: 0o040755), "dev", in: 0)
    add(
      Node(mode: 0o020600, device: Device(major: 5, minor: 1)), "console", in: 1)
    add(Node(mode: 0o040700), "root", in: 0)
  }

  private mutating func add(_ node: Node, _ name: StaticString, in directory: Int) {
    make(node, Place(directory: directory, name: Array("\(name)".utf8)))
  }

  /// Whether a record made or touched /dev/console.
  var hasOwnConsole: Bool {
    guard let node = try? find(Array("/dev/console".utf8), follow: true) else { return false }
    return node != 2 || isConsoleTouched
  }

  // MARK: Records

  /// Does what the kernel does with a record.
  /// - Throws: ``Excess`` if there are too many files, names of hard links, or steps before it.
  mutating func apply(_ record: Record) throws(Excess) -> Outcome {
    if max(nodes.count, links.count) > Excess.files.limit { throw .files }
    if linkSteps > Excess.steps.limit { throw .steps }
    recordCount += 1
    let entry = record.entry
    do throws(Loss) {
      guard !entry.name.isEmpty else { throw .nameEmpty }
      switch entry.type {
      case .symbolicLink: return try symbolicLink(entry, record.target)
      case .regular: return try regular(entry)
      case .directory: return try directory(entry)
      case .some: return try special(entry)
      case nil:
        _ = try? clean(entry.name, entry.mode)
        throw .typeUnknown
      }
    } catch {
      return .lost(error)
    }
  }

  /// `free_hash`.
  mutating func forgetLinks() { links.removeAll() }

  private mutating func regular(_ entry: Entry) throws(Loss) -> Outcome {
    let removed = try clean(entry.name, entry.mode)
    let link = try link(entry)
    let place = try place(of: entry.name)
    guard place.isName else { throw .nameNoFile }
    var outcome: Outcome
    if let old = table[place.key] {
      guard nodes[old].type == .regular else { throw .directoryInTheWay }
      outcome = link == nil ? .made(old, again: true) : .linked(old)
    } else {
      outcome = Outcome(make(Node(mode: entry.mode), place), removed: removed)
    }
    let node = outcome.node ?? 0
    set(node, entry)
    if entry.size > 0 || link == nil {
      nodes[node].size = entry.size
      nodes[node].dataRecord = recordCount
    }
    if case .made(_, true) = outcome, let removed { outcome = .replaced(node, removed) }
    return outcome
  }

  private mutating func directory(_ entry: Entry) throws(Loss) -> Outcome {
    let removed = try clean(entry.name, entry.mode)
    if let old = try? findCounted(entry.name[...], follow: false) {
      guard nodes[old].type == .directory else { throw .directoryInTheWay }
      set(old, entry)
      return .made(old, again: true)
    }
    let place = try place(of: entry.name)
    // A symbolic link to nothing, which the slash behind its name has kept from being removed.
    guard table[place.key] == nil else { throw .directoryInTheWay }
    let node = make(Node(mode: entry.mode), place)
    set(node, entry)
    return Outcome(node, removed: removed)
  }

  private mutating func special(_ entry: Entry) throws(Loss) -> Outcome {
    let removed = try clean(entry.name, entry.mode)
    if let link = try link(entry) { return .linked(link) }
    let place = try place(of: entry.name)
    guard place.isName else { throw .nameNoFile }
    if let old = table[place.key] {
      guard nodes[old].type == entry.type else { throw .directoryInTheWay }
      set(old, entry)
      return .made(old, again: true)
    }
    let node = make(Node(mode: entry.mode, device: entry.specialDevice), place)
    set(node, entry)
    return Outcome(node, removed: removed)
  }

  /// `do_symlink`: whatever has the name is removed first.
  private mutating func symbolicLink(_ entry: Entry, _ target: [UInt8]) throws(Loss) -> Outcome {
    let removed = try clean(entry.name, 0)
    let place = try place(of: entry.name)
    guard place.isName else { throw .nameNoFile }
    guard table[place.key] == nil else { throw .directoryInTheWay }
    guard target.count < Writer.pathLimit else { throw .targetTooLong }
    let node = make(Node(mode: 0o120777, size: UInt64(target.count), target: target), place)
    nodes[node].userID = entry.userID
    nodes[node].groupID = entry.groupID
    nodes[node].modificationTime = entry.modificationTime
    if removed == .symbolicLink { return .made(node, again: true) }
    return Outcome(node, removed: removed)
  }

  /// `maybe_link`: the file that the name is now another name of, if it is.
  private mutating func link(_ entry: Entry) throws(Loss) -> Int? {
    guard entry.linkCount > 1 else { return nil }
    let key = LinkKey(
      device: entry.device, inode: entry.inode ?? 0, type: entry.mode & 0o170000)
    guard let first = links[key] else {
      links[key] = entry.name
      return nil
    }
    _ = try clean(entry.name, 0)
    guard let node = try? findCounted(first[...], follow: false), nodes[node].type != .directory
    else {
      throw .firstNameGone
    }
    let place = try place(of: entry.name)
    guard place.isName else { throw .nameNoFile }
    guard table[place.key] == nil else { throw .directoryInTheWay }
    table[place.key] = node
    nodes[node].names += 1
    nodes[place.directory].count += 1
    return node
  }

  /// `clean_path`: removes what has the name and another type.
  /// - Returns: The type of what was removed.
  @discardableResult
  private mutating func clean(_ name: [UInt8], _ mode: UInt32) throws(Loss) -> Entry.FileType? {
    let place: Place
    do throws(Loss) { place = try self.place(of: name) } catch { return nil }
    guard !place.isDots, let node = table[place.key], let type = nodes[node].type,
      (nodes[node].mode ^ mode) & 0o170000 != 0, type == .directory || !place.hasSlash
    else { return nil }
    if type == .directory, nodes[node].count > 0 { return nil }
    table[place.key] = nil
    nodes[node].names -= 1
    nodes[place.directory].count -= 1
    lastParent = ([], 0)
    return type
  }

  private mutating func set(_ node: Int, _ entry: Entry) {
    if node == 2 { isConsoleTouched = true }
    nodes[node].mode = entry.mode
    nodes[node].userID = entry.userID
    nodes[node].groupID = entry.groupID
    nodes[node].modificationTime = entry.modificationTime
  }

  // MARK: Names

  /// Where a name belongs.
  private struct Place {
    let directory: Int
    let name: [UInt8]
    /// It is `.`, `..`, or nothing.
    var isDots = false
    /// It has a slash behind it, as only the name of a directory may.
    var hasSlash = false

    /// A file that is no directory can have this name.
    var isName: Bool { !isDots && !hasSlash }

    var key: Key { Key(directory: directory, name: name) }
  }

  @discardableResult
  private mutating func make(_ node: Node, _ place: Place) -> Int {
    nodes.append(node)
    nodes[nodes.count - 1].parent = place.directory
    table[place.key] = nodes.count - 1
    nodes[place.directory].count += 1
    return nodes.count - 1
  }

  /// The file of that name; nil if there is none.
  func find(_ path: [UInt8], follow: Bool) throws(Loss) -> Int {
    var walk = PathWalk()
    return try find(path[...], from: 0, follow: follow, &walk)
  }

  /// The same, for a record: its steps count.
  private mutating func findCounted(
    _ path: ArraySlice<UInt8>, follow: Bool
  ) throws(Loss) -> Int {
    var walk = PathWalk()
    defer { linkSteps += walk.linkSteps }
    return try find(path, from: 0, follow: follow, &walk)
  }

  private static let slash = UInt8(ascii: "/")

  private mutating func place(of path: [UInt8]) throws(Loss) -> Place {
    var end = path.endIndex
    while end > 0, path[end - 1] == MemoryTree.slash { end -= 1 }
    let cut = path[..<end].lastIndex(of: MemoryTree.slash)
    let name = path[(cut.map { $0 + 1 } ?? 0)..<end]
    let parent = path[..<(cut ?? 0)]
    if lastParent.path != parent {
      let node = try findCounted(parent, follow: true)
      guard nodes[node].type == .directory else { throw .parentNotDirectory }
      lastParent = (parent, node)
    }
    guard name.count <= Writer.componentLimit else { throw .componentTooLong }
    let isDots = name.isEmpty || name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8)
    return Place(
      directory: lastParent.node, name: Array(name), isDots: isDots,
      hasSlash: end < path.endIndex)
  }

  /// A path being followed.
  private struct PathWalk {
    /// How many symbolic links may still come: include/linux/namei.h, MAXSYMLINKS.
    var linksLeft = 40
    /// How many of them we are in.
    var depth = 0
    /// How many components came from them.
    var linkSteps = 0
  }

  /// fs/namei.c, `link_path_walk`.
  private func find(
    _ path: ArraySlice<UInt8>, from start: Int, follow: Bool, _ walk: inout PathWalk
  ) throws(Loss) -> Int {
    var node = path.first == MemoryTree.slash ? 0 : start
    var rest = path
    while let first = rest.firstIndex(where: { $0 != MemoryTree.slash }) {
      let end = rest[first...].firstIndex(of: MemoryTree.slash) ?? rest.endIndex
      let component = rest[first..<end]
      rest = rest[end...]
      guard nodes[node].type == .directory else { throw .parentNotDirectory }
      if walk.depth > 0 { walk.linkSteps += 1 }
      let directory = node
      node = try step(component, in: directory)
      if nodes[node].type == .symbolicLink, follow || !rest.isEmpty {
        walk.linksLeft -= 1
        guard walk.linksLeft >= 0 else { throw .tooManyLinks }
        walk.depth += 1
        node = try find(nodes[node].target[...], from: directory, follow: true, &walk)
        walk.depth -= 1
      }
    }
    return node
  }

  private func step(_ name: ArraySlice<UInt8>, in directory: Int) throws(Loss) -> Int {
    if name.elementsEqual(".".utf8) { return directory }
    if name.elementsEqual("..".utf8) { return nodes[directory].parent }
    guard name.count <= Writer.componentLimit else { throw .componentTooLong }
    guard let node = table[Key(directory: directory, name: Array(name))] else {
      throw .parentMissing
    }
    return node
  }
}

extension MemoryTree.Outcome {
  /// A new file, in the place of one of type `removed`.
  fileprivate init(_ node: Int, removed: Entry.FileType?) {
    self = removed.map { .replaced(node, $0) } ?? .made(node, again: false)
  }
}
