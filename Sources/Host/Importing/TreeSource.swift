// SPDX-License-Identifier: MIT

import Images
public import Initramfs
public import Newc
public import SystemPackage

/// A tree that can be packed: its metadata, and its contents in further readings.
public protocol TreeSource {
  /// All files, sorted by first name: a directory comes before its contents.
  var files: [TreeFile] { get }
  /// The bytes that belong before the packed tree: an image's early microcode.
  var front: [UInt8] { get }
  /// The permission bits for a file that holds the whole tree.
  var permissions: FilePermissions { get }
  /// What the user should know about the tree, one note per line.
  var notes: [String] { get }

  /// Passes on the content of each wanted nonempty regular file once; of a sparse file, only the
  /// data.
  ///
  /// - Parameters:
  ///   - isWanted: Whether the file with this index is wanted.
  ///   - progress: Called with the number of bytes read of the source, and its size.
  ///   - begin: Called with the index of a file, before its data.
  ///   - data: Called with the next bytes of that file.
  /// - Throws: `FileError`, also if the source has changed; `CancellationError`.
  func readContents(
    of isWanted: (Int) -> Bool, progress: @escaping (Int64, Int64) -> Void,
    begin: (Int) throws -> Void, data: (UnsafeRawBufferPointer) throws -> Void
  ) throws
}

extension TreeSource {
  public var front: [UInt8] { [] }
  public var notes: [String] { [] }

  /// Passes on the content of all files.
  public func readContents(
    progress: @escaping (Int64, Int64) -> Void = { _, _ in }, begin: (Int) throws -> Void,
    data: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try readContents(of: { _ in true }, progress: progress, begin: begin, data: data)
  }
}

extension TreeSource {
  /// Returns the whole contents of some small files, with their holes, by their indices.
  func contents(of indices: Set<Int>) throws -> [Int: [UInt8]] {
    // Nothing is passed on of an empty file.
    var contents = Dictionary(uniqueKeysWithValues: indices.map { ($0, [UInt8]()) })
    if indices.isEmpty { return contents }
    var current = 0
    var holes = HoleFiller(size: 0, [])
    func add(_ bytes: UnsafeRawBufferPointer) { contents[current]?.append(contentsOf: bytes) }

    try readContents(
      of: indices.contains, progress: { _, _ in },
      begin: { index in
        try holes.finish(add)
        current = index
        holes = HoleFiller(size: files[index].entry.size, files[index].extents)
      }, data: { try holes.add($0, add) })
    try holes.finish(add)
    return contents
  }
}

/// A file of a tree.
public struct TreeFile: Equatable, Sendable {
  /// The metadata, with the first name and the size of the content.
  public var entry: Entry
  /// All names of the file, sorted.
  public var names: [[UInt8]]
  /// The target of a symbolic link.
  public var target: [UInt8]
  /// The modification time in seconds since 1970, if newc cannot hold it.
  public var farTime: Int64?
  /// Extended attributes (xattr(7)), sorted by name.
  public var xattrs: [Xattr]
  /// The data extents of a sparse regular file.
  public var sparse: SparseMap?

  /// Where the data of a regular file are.
  package var extents: [Extent] { sparse?.extents ?? [Extent(offset: 0, count: entry.size)] }

  /// The bytes of its content, without holes.
  public var dataSize: UInt64 { sparse?.count ?? entry.size }

  /// - Parameter seconds: The modification time in seconds since 1970.
  init(
    names: [[UInt8]], entry: Entry, target: [UInt8], seconds: Int64, xattrs: [Xattr] = [],
    sparse: SparseMap? = nil
  ) {
    self.entry = entry
    self.entry.name = names[0].isEmpty ? Array(".".utf8) : names[0]
    self.entry.linkCount = UInt32(names.count)
    self.entry.modificationTime = UInt32(clamping: seconds)
    self.names = names
    self.target = target
    self.xattrs = xattrs
    self.sparse = sparse
    farTime = UInt32(exactly: seconds) == nil ? seconds : nil
  }
}

extension [TreeFile] {
  /// Sorts the files like ``TreeSource/files``.
  mutating func sortByName() {
    sort { $0.names[0].lexicographicallyPrecedes($1.names[0]) }
  }
}
