// SPDX-License-Identifier: MIT

import Compression
import Files
import Inspection
public import SystemPackage

/// What a user wants to have packed: an initramfs, a directory, a tar archive, or a container image.
public struct Source: Sendable {
  public let path: FilePath
  /// How many bytes the files of a tar archive or a container image may have.
  public var limit: Int64 = 16 << 30
  /// Which image of several.
  public var platform: Platform
  /// The name of the image, if there are several.
  public var reference: String?
  /// Where a compressed archive of a container image is decompressed to.
  public var workDirectory: FilePath
  /// The file that the tree will be packed into, if it may be in the source.
  public var output: FilePath?

  public init(_ path: FilePath, _ platform: Platform, workDirectory: FilePath) {
    self.path = path
    self.platform = platform
    self.workDirectory = workDirectory
  }

  /// Reads the metadata of the tree.
  ///
  /// - Parameter progress: is called with how much of the source has been read, and its size.
  /// - Throws: ``FileError``; `CancellationError`.
  public func tree(progress: @escaping (Int64, Int64) -> Void) throws -> any TreeSource {
    let status = try FileError.naming(path, cannot: "open") { try path.stat() }
    if status.type == .directory {
      let store = BlobDirectory(path: path)
      if let kind = try ContainerImage.kind(store) { return try container(store, kind, progress) }
      return try HostTree(path, leavingOut: output)
    }
    if let encoding = try tarEncoding() { return try archive(encoding, progress) }
    try ImageFile(path).refuseIfWrapped()
    return try ImageTree(path, progress: progress)
  }

  // MARK: Archives

  /// Whether a tar archive is compressed.
  private enum TarEncoding { case plain, compressed }

  /// nil if the file is no tar archive.
  private func tarEncoding() throws -> TarEncoding? {
    // Zero bytes may be in front of an image; libarchive takes them for an empty archive.
    if try InputFile(path).firstNonZero(from: 0) != 0 { return nil }
    do {
      return try withNamesAsBytes {
        let stream = try DecodedStream(
          path, FileStream(try InputFile(path)) { _ in }, Budget(limit))
        let isTar = try TarReader(path, stream).advance()
        return isTar ? (stream.isEncoded ? .compressed : .plain) : nil
      }
    } catch is FileError {
      return nil
    }
  }

  private func open(
    _ encoding: TarEncoding, _ budget: Budget, _ onRead: @escaping (Int64) -> Void
  ) throws -> any ByteStream {
    let stream = FileStream(try InputFile(path), onRead: onRead)
    return encoding == .plain ? stream : try DecodedStream(path, stream, budget)
  }

  private func archive(
    _ encoding: TarEncoding, _ progress: @escaping (Int64, Int64) -> Void
  ) throws -> any TreeSource {
    let file = try InputFile(path)
    let size = file.size
    var read: Int64 = 0
    let layer = TarTree.Layer(name: nil, size: size) { isFirst, onRead in
      try open(encoding, Budget(isFirst ? limit : .max), onRead)
    }
    var reader = RecordReader(path, limit)
    let tar = try layer.open(true) {
      read += $0
      progress(read, size)
    }
    let records = try reader.read(tar)
    let store = BlobArchive(path, records) {
      if encoding == .plain { return nil }
      let scratch = try ScratchFile(in: workDirectory)
      try scratch.write(contentsOf: try open(encoding, Budget(limit)) { _ in })
      return scratch
    }
    if let kind = try ContainerImage.kind(store) { return try container(store, kind, progress) }
    return try TarTree(path, layer, records, permissions: file.permissions)
  }

  // MARK: Container images

  private func container(
    _ store: some BlobStore, _ kind: ContainerImage.Kind,
    _ progress: @escaping (Int64, Int64) -> Void
  ) throws -> TarTree {
    let choice = Choice(platform: platform, reference: reference)
    let image = try ContainerImage(store, kind, choice, Budget(limit))
    var tree = try TarTree(
      path, image.layers, permissions: [.ownerReadWrite, .groupRead, .otherRead], limit: limit,
      progress: progress)
    if !image.command.isEmpty {
      tree.notes = ["command of the image: \(image.command.joined(separator: " "))"]
    }
    return tree
  }
}
