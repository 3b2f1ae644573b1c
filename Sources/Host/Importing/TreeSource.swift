// SPDX-License-Identifier: MIT

public import Initramfs
public import Newc
public import SystemPackage

/// A tree that can be packed: all of its metadata, and its contents in a second reading.
public protocol TreeSource {
  /// All files, by their first names: a directory comes before what is in it.
  var files: [TreeFile] { get }
  /// Bytes that belong in front of the packed tree: an image's early microcode.
  var front: [UInt8] { get }
  /// The permission bits that a file with the whole tree should have.
  var permissions: FilePermissions { get }
  /// What the user should know of it, in lines.
  var notes: [String] { get }

  /// Hands out the contents of the regular files that have any, each once; of a sparse one the data
  /// alone.
  ///
  /// - Parameters:
  ///   - progress: is called with how much of the source has been read, and its size, in bytes.
  ///   - begin: is called with the index of a file, before its data.
  ///   - data: is called with the next bytes of that file.
  /// - Throws: `FileError`, also if the source has changed; `CancellationError`.
  func readContents(
    progress: @escaping (Int64, Int64) -> Void, begin: (Int) throws -> Void,
    data: (UnsafeRawBufferPointer) throws -> Void
  ) throws
}

extension TreeSource {
  public var front: [UInt8] { [] }
  public var notes: [String] { [] }
}

/// A file of a tree.
public struct TreeFile: Equatable, Sendable {
  /// Its metadata, under its first name; the content's size.
  public var entry: Entry
  /// All its names, sorted.
  public var names: [[UInt8]]
  /// Where a symbolic link leads.
  public var target: [UInt8]
  /// The modification time in seconds since 1970, where newc cannot hold it.
  public var farTime: Int64?
  /// xattr(7), in the order of their names.
  public var xattrs: [Xattr]
  /// Where the data are, if it is a regular file with holes.
  public var sparse: SparseMap?

  /// Bytes of its content, without holes.
  public var dataSize: UInt64 { sparse?.count ?? entry.size }

  /// - Parameter seconds: the modification time since 1970.
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
  /// In the order of ``TreeSource/files``.
  mutating func sortByName() {
    sort { $0.names[0].lexicographicallyPrecedes($1.names[0]) }
  }
}
