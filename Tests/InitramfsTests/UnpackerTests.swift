// SPDX-License-Identifier: MIT

import Newc
import Testing

@testable import Images
@testable import Initramfs

/// What a small image with any number of records could take.
@Suite struct UnpackerTests {
  private func unpack(_ count: Int, _ entry: (Int) -> Entry) throws {
    var unpacker = Unpacker(MemoryTree(), memoryLimit: 10_000)
    for number in 0..<count {
      _ = try unpacker.apply(entry(number), target: [])
      if number == 50 { unpacker.forgetLinks() }
    }
    try unpacker.finish()
  }

  @Test func `what is kept of directories and hard links has a limit`() throws {
    func name(_ number: Int) -> [UInt8] { Array("no/\(number)".utf8) }
    try unpack(100) { Entry(name: name($0), mode: 0o040755) }
    try unpack(1000) { Entry(name: name($0), mode: 0o100644) }
    let error = #expect(throws: UnpackFailure.self) {
      try unpack(200) { Entry(name: name($0), mode: 0o040755) }
    }
    #expect(error?.code == ErrorNumber.noMemory)
    let linked = #expect(throws: UnpackFailure.self) {
      try unpack(250) { Entry(name: name($0), mode: 0o100644, linkCount: 2, inode: UInt32($0)) }
    }
    #expect(linked?.code == ErrorNumber.noMemory)
    // A trailer is between the two halves.
    try unpack(180) { Entry(name: name($0), mode: 0o100644, linkCount: 2, inode: UInt32($0)) }
  }

  @Test(arguments: [0o040755, 0o100644] as [UInt32])
  func `what is kept is counted to the byte`(mode: UInt32) throws {
    func unpack(limit: Int) throws {
      var unpacker = Unpacker(MemoryTree(), memoryLimit: limit)
      for number in 0..<10 {
        let entry = Entry(
          name: Array("no/\(number)".utf8), mode: mode, linkCount: 2, inode: UInt32(number))
        _ = try unpacker.apply(entry)
      }
    }
    // A name, and 64 bytes.
    try unpack(limit: 681)
    try unpack(limit: 680)
    let error = #expect(throws: UnpackFailure.self) { try unpack(limit: 679) }
    #expect(error?.code == ErrorNumber.noMemory)
    #expect(error?.name == Array("no/9".utf8))
  }

  @Test func `of the xattrs that are missing the first is kept, or else the first failure`() {
    let xattr = Xattr(name: Array("user.a".utf8), value: [1])
    func loss(_ path: String, _ code: Int32) -> MissingXattrs.Loss {
      MissingXattrs.Loss(path: Array(path.utf8), name: xattr.name, code: code)
    }
    var missing = MissingXattrs()
    // It was set, or its file is not there: that has been said.
    missing.note(0, Array("set".utf8), xattr)
    missing.note(-2, Array("gone".utf8), xattr)
    #expect(missing == MissingXattrs())
    // EOPNOTSUPP, EPERM, EIO, ENOMEM.
    for (code, count, first) in [
      (95, 1, loss("95", 95)), (1, 2, loss("95", 95)), (5, 3, loss("5", 5)), (12, 4, loss("5", 5)),
    ] {
      missing.note(-code, Array("\(code)".utf8), xattr)
      #expect(missing.count == count)
      #expect(missing.first == first)
      #expect(missing.isFailure == (count > 2))
    }
  }

  @Test func `those of several members are counted together, and the same is kept`() {
    let xattr = Xattr(name: Array("user.a".utf8), value: [1])
    func missing(_ results: KeyValuePairs<String, Int>) -> MissingXattrs {
      var missing = MissingXattrs()
      for (path, result) in results { missing.note(result, Array(path.utf8), xattr) }
      return missing
    }
    // EOPNOTSUPP, EIO.
    let parts: [(MissingXattrs, Int, String?)] = [
      (missing([:]), 0, nil), (missing(["a": -95, "b": -95]), 2, "a"),
      (missing(["c": -95]), 3, "a"), (missing([:]), 3, "a"), (missing(["d": -5]), 4, "d"),
      (missing(["e": -5, "f": -95]), 6, "d"),
    ]
    var all = MissingXattrs()
    for (part, count, first) in parts {
      all.add(part)
      #expect(all.count == count)
      #expect(all.first?.path == first.map { Array($0.utf8) })
    }
  }

  @Test func `no call leaves a copy of the files behind`() throws {
    // Each call for a file would copy the whole tree: quadratic.
    var unpacker = Unpacker(SharedFiles(MemoryTree.builtIn()))
    let link = Extra(isLink: true)
    let xattr = Extra(xattrs: [Xattr(name: Array("user.x".utf8), value: [1])])
    for _ in 0..<2 {
      for (name, mode, links, extra) in [
        ("d", 0o040755, 1, xattr), ("d/f", 0o100644, 1, xattr), ("d/g", 0o100644, 2, nil),
        ("d/h", 0o100644, 2, nil), ("l", 0o120777, 1, nil), ("m", 0o120777, 1, link),
        ("p", 0o010600, 1, xattr), ("d", 0o100644, 1, nil), ("none/f", 0o100644, 1, nil),
        ("none/d", 0o040755, 1, nil), ("d/f", 0o120777, 1, nil), ("x", 0, 1, nil),
      ] as [(String, UInt32, UInt32, Extra?)] {
        var entry = Entry(
          name: Array(name.utf8), mode: mode, linkCount: links, inode: links > 1 ? 7 : 1)
        entry.size = 3
        _ = try unpacker.apply(entry, target: Array("target".utf8), extra: extra)
        try [1, 2, 3].withUnsafeBytes { try unpacker.write($0) }
        try unpacker.endData()
      }
      unpacker.forgetLinks()
    }
    try unpacker.finish()
    #expect(unpacker.files.calls > 100)
    #expect(unpacker.files.shared == [])
  }

  /// Names of one kind, each brought by a record.
  enum Kind: CaseIterable {
    case files, directories, symbolicLinks, nodes, hardLinks, replaced

    var isKept: Bool { [.files, .directories, .nodes].contains(self) }

    func entry(_ number: Int) -> Entry {
      let name = Array("\(number)".utf8)
      return switch self {
      case .files: Entry(name: name, mode: 0o100644)
      case .directories: Entry(name: name, mode: 0o040755)
      case .symbolicLinks: Entry(name: name, mode: 0o120777)
      case .nodes: Entry(name: name, mode: 0o010600)
      case .hardLinks: Entry(name: name, mode: 0o100644, linkCount: 2, inode: 1)
      case .replaced: Entry(name: [0x72], mode: number.isMultiple(of: 2) ? 0o100644 : 0o010600)
      }
    }
  }

  @Test(arguments: Kind.allCases)
  func `a tree in memory has so many names, and not one more`(kind: Kind) throws {
    func make(_ count: Int) throws -> Int {
      var unpacker = Unpacker(MemoryTree.builtIn(fileLimit: 100))
      for number in 0..<count {
        let entry = kind.entry(number)
        _ = try unpacker.apply(entry, target: [0x2E])
        // What is there already is not made again.
        if kind.isKept { _ = try unpacker.apply(entry, target: [0x2E]) }
      }
      try unpacker.finish()
      return unpacker.files.paths().reduce(0) { $0 + $1.names.count }
    }
    let own = 4
    for count in [99, 100] {
      #expect(try make(count) == own + (kind == .replaced ? 1 : count))
    }
    let failure = #expect(throws: UnpackFailure.self) { try make(101) }
    #expect(failure?.code == ErrorNumber.noMemory)
  }
}

/// Notes which calls find that somebody else holds the tree.
private struct SharedFiles {
  var tree: MemoryTree
  private final class Mark {}
  private var mark = Mark()
  private(set) var calls = 0
  private(set) var shared: Set<String> = []

  init(_ tree: MemoryTree) { self.tree = tree }

  mutating func note(_ call: String = #function) -> Int {
    calls += 1
    if !isKnownUniquelyReferenced(&mark) { shared.insert(call) }
    return 0
  }
}

extension SharedFiles: FileSystem {
  mutating func lstat(_ path: [UInt8]) -> Int { note() + tree.lstat(path) }
  mutating func mkdir(_ path: [UInt8], _ mode: UInt32) -> Int { note() + tree.mkdir(path, mode) }
  mutating func mknod(_ path: [UInt8], _ mode: UInt32, _ device: Device) -> Int {
    note() + tree.mknod(path, mode, device)
  }
  mutating func symlink(_ target: [UInt8], _ path: [UInt8]) -> Int {
    note() + tree.symlink(target, path)
  }
  mutating func link(_ old: [UInt8], _ new: [UInt8]) -> Int { note() + tree.link(old, new) }
  mutating func unlink(_ path: [UInt8]) -> Int { note() + tree.unlink(path) }
  mutating func rmdir(_ path: [UInt8]) -> Int { note() + tree.rmdir(path) }
  mutating func chown(_ path: [UInt8], _ user: UInt32, _ group: UInt32) -> Int {
    note() + tree.chown(path, user, group)
  }
  mutating func chmod(_ path: [UInt8], _ mode: UInt32) -> Int { note() + tree.chmod(path, mode) }
  mutating func utime(_ path: [UInt8], _ time: Int64) -> Int { note() + tree.utime(path, time) }
  mutating func setxattr(_ path: [UInt8], _ xattr: Xattr) -> Int {
    note() + tree.setxattr(path, xattr)
  }
  mutating func open(_ path: [UInt8], truncating: Bool) -> Int {
    note() + tree.open(path, truncating: truncating)
  }
  mutating func chown(_ file: Int, _ user: UInt32, _ group: UInt32) -> Int {
    note() + tree.chown(file, user, group)
  }
  mutating func chmod(_ file: Int, _ mode: UInt32) -> Int { note() + tree.chmod(file, mode) }
  mutating func truncate(_ file: Int, to size: UInt64) -> Int {
    note() + tree.truncate(file, to: size)
  }
  mutating func write(_ file: Int, _ bytes: UnsafeRawBufferPointer, at offset: UInt64) -> Int {
    note() + tree.write(file, bytes, at: offset)
  }
  mutating func utime(_ file: Int, _ time: Int64) -> Int { note() + tree.utime(file, time) }
  mutating func setxattr(_ file: Int, _ xattr: Xattr) -> Int { note() + tree.setxattr(file, xattr) }
  mutating func close(_ file: Int) { _ = note() }
}
