// SPDX-License-Identifier: MIT

package import Files
public import SystemPackage

/// The tree of one tar archive, or of the layers of a container image.
public struct TarTree: TreeSource {
  /// An archive that can be opened for each reading.
  struct Layer {
    /// The name in errors, if it is one of several.
    var name: String?
    /// The number of bytes to read.
    var size: Int64
    /// Opens the decompressed archive. `onRead` is called with the number of additional bytes read;
    /// the flag says whether digests are verified.
    var open: (_ isVerified: Bool, _ onRead: @escaping (Int64) -> Void) throws -> any ByteStream

    /// Adds the layer's name to errors about `path`.
    func naming<Result>(_ path: FilePath, _ body: () throws -> Result) throws -> Result {
      do { return try body() } catch let error as FileError {
        guard let name, error.path == path else { throw error }
        throw error.inside(name)
      }
    }
  }

  public let files: [TreeFile]
  public let permissions: FilePermissions
  public internal(set) var notes: [String] = []

  private let path: FilePath
  private let layers: [Layer]
  /// The file that has the content of a record, by the record's number.
  private let contents: [Int: Int]

  /// Reads the layers of a container image, from the lowest one.
  ///
  /// - Parameters:
  ///   - path: The source's name in errors.
  ///   - limit: The most bytes that its files may have.
  init(
    _ path: FilePath, _ layers: [Layer], permissions: FilePermissions, limit: Int64,
    progress: @escaping (Int64, Int64) -> Void
  ) throws {
    var builder = TreeBuilder(path)
    var records = RecordReader(path, limit)
    let summary = Progress(layers, progress)
    for layer in layers {
      let records = try layer.naming(path) {
        try records.read(try layer.open(true) { summary.add($0) })
      }
      try builder.add(records, of: layer)
    }
    self.init(path, layers, builder.tree, permissions)
  }

  /// Reads layers that are separate files, without known digests.
  package init(_ path: FilePath, layers files: [InputFile], limit: Int64) throws {
    let layers = files.enumerated().map { index, file in
      Layer(name: "layer \(index + 1)", size: 0) { isFirst, onRead in
        let stream = FileStream(file, onRead: onRead)
        return try DecodedStream(path, stream, Budget(isFirst ? limit : .max))
      }
    }
    try self.init(
      path, layers, permissions: .ownerReadWrite, limit: limit, progress: { _, _ in })
  }

  /// Makes the tree of an archive whose records have been read.
  init(
    _ path: FilePath, _ layer: Layer, _ records: [TarRecord], permissions: FilePermissions
  ) throws {
    var builder = TreeBuilder(path)
    try builder.add(records, of: layer)
    self.init(path, [layer], builder.tree, permissions)
  }

  private init(
    _ path: FilePath, _ layers: [Layer], _ tree: LayeredTree, _ permissions: FilePermissions
  ) {
    self.path = path
    self.layers = layers
    self.permissions = permissions
    (files, contents) = tree.files()
  }

  public func readContents(
    of isWanted: (Int) -> Bool, progress: @escaping (Int64, Int64) -> Void,
    begin: (Int) throws -> Void, data: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let summary = Progress(layers, progress)
    var count = 0
    try withNamesAsBytes {
      for layer in layers {
        try layer.naming(path) {
          let reader = try TarReader(path, try layer.open(false) { summary.add($0) })
          while try reader.next() != nil {
            count += 1
            guard let index = contents[count], isWanted(index) else { continue }
            try begin(index)
            try reader.readData(data)
          }
        }
      }
    }
  }
}

/// The number of bytes read of all layers.
private final class Progress {
  private let size: Int64
  private let report: (Int64, Int64) -> Void
  private var count: Int64 = 0

  init(_ layers: [TarTree.Layer], _ report: @escaping (Int64, Int64) -> Void) {
    size = layers.reduce(0) { $0 + $1.size }
    self.report = report
  }

  func add(_ more: Int64) {
    count += more
    report(count, size)
  }
}

/// A record of one of a source's archives.
struct TarRecord {
  /// The number of the record, counted from 1 through all archives.
  var number: Int
  var entry: TarEntry
}

/// Reads the records of several archives in order.
struct RecordReader {
  private let path: FilePath
  private let budget: Budget
  private var count = 0

  /// - Parameter limit: The most bytes that the files of all archives may have.
  init(_ path: FilePath, _ limit: Int64) {
    self.path = path
    budget = Budget(limit)
  }

  mutating func read(_ stream: any ByteStream) throws -> [TarRecord] {
    do {
      var records: [TarRecord] = []
      try withNamesAsBytes {
        let reader = try TarReader(path, stream)
        while let entry = try reader.next() {
          count += 1
          try budget.take(Int64(clamping: entry.dataSize), of: path)
          records.append(TarRecord(number: count, entry: entry))
        }
        try stream.drain()
      }
      return records
    } catch let error as FileError {
      // If the archive is damaged, the digest error is more helpful.
      try stream.drain()
      throw error
    }
  }
}

/// Makes a tree from archives. OCI Image Specification, layer.md.
private struct TreeBuilder {
  private(set) var tree = LayeredTree()

  private let path: FilePath

  init(_ path: FilePath) { self.path = path }

  mutating func add(_ records: [TarRecord], of layer: TarTree.Layer) throws(FileError) {
    let hasWhiteouts = layer.name != nil
    if hasWhiteouts {
      // Whiteouts hide files of lower layers only, wherever in their layer they are.
      for record in records {
        try naming(record.entry, layer) { this throws(LayeredTree.Fault) in
          try this.hide(record.entry.name)
        }
      }
    }
    for record in records where !hasWhiteouts || Whiteout(record.entry.name) == nil {
      try naming(record.entry, layer) { this throws(LayeredTree.Fault) in
        try this.tree.apply(record.entry, content: record.number)
      }
    }
  }

  private mutating func hide(_ name: [UInt8]) throws(LayeredTree.Fault) {
    switch Whiteout(name) {
    case .file(let name): try tree.remove(name)
    case .allIn(let directory): try tree.empty(directory)
    case .other, nil: break
    }
  }

  private mutating func naming(
    _ entry: TarEntry, _ layer: TarTree.Layer,
    _ body: (inout TreeBuilder) throws(LayeredTree.Fault) -> Void
  ) throws(FileError) {
    do throws(LayeredTree.Fault) { try body(&self) } catch {
      let fault = FileError(path, "\(quoted(entry.name)) \(error)")
      throw layer.name.map { fault.inside($0) } ?? fault
    }
  }
}

/// A record that removes files of earlier layers: layer.md, "Whiteouts".
private enum Whiteout {
  /// Removes this file.
  case file([UInt8])
  /// Removes everything in this directory.
  case allIn([UInt8])
  /// Metadata that aufs keeps for itself.
  case other

  private static let prefix = Array(".wh.".utf8)
  private static let opaque = Array(".wh..wh..opq".utf8)

  /// nil if `name` is not that of a whiteout.
  init?(_ name: [UInt8]) {
    let start = name.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
    let last = name[start...]
    guard last.starts(with: Self.prefix) else { return nil }
    if last.elementsEqual(Self.opaque) {
      self = .allIn(Array(name[..<start]))
    } else if last.dropFirst(4).starts(with: Self.prefix) {
      self = .other
    } else {
      self = .file(Array(name[..<start] + last.dropFirst(4)))
    }
  }
}

extension LayeredTree.Fault: CustomStringConvertible {
  /// The predicate of an error message, after the name of the entry.
  var description: String {
    switch self {
    case .tooLong: "is longer than 4095 bytes, or a component of it than 255"
    case .linkLoop(let link, let target):
      "leads through more than 40 symbolic links, \(quoted(link)) to \(quoted(target)) among them"
    case .throughFile(let file): "leads through \(quoted(file)), which is not a directory"
    case .root: "is the root, and not a directory"
    case .noLinkTarget(let name):
      "is a hard link to \(quoted(name)), which is not a file of the archive"
    case .tooMany: "is one file too many: at most 2000000 are kept in memory"
    }
  }
}

extension FileError {
  /// The error, naming the part of the file, unless it already does.
  fileprivate func inside(_ part: String) -> FileError {
    switch fault {
    case .call(let act, let errno): FileError(path, "\(part): cannot \(act) it: \(errno.reason)")
    case .bytes(let offset, let found, let expected):
      found.hasPrefix(part)
        ? self : FileError(path, offset: offset, found: "\(part): \(found)", expected: expected)
    case .state(let state):
      state.hasPrefix(part) ? self : FileError(path, "\(part): \(state)")
    }
  }
}
