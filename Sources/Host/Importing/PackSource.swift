// SPDX-License-Identifier: MIT

package import Files
import Images
public import SystemPackage

/// The source to pack: an initramfs, a directory, a tar archive, a squashfs, or a container image.
public struct PackSource: Sendable {
  public let path: FilePath
  /// The most bytes that the files of a tar archive or a container image may have.
  public var limit: Int64 = 16 << 30
  /// The platform to choose among several images.
  public var platform: Platform
  /// The name to choose among several images.
  public var reference: String?
  /// The directory into which a squashfs is unpacked as an archive, or the compressed archive of a
  /// container image is decompressed.
  public var workDirectory: FilePath
  /// The file that the tree will be packed into, which may be inside the source.
  public var output: FilePath?

  /// The open file, or the archive that a squashfs was unpacked to.
  private var file: InputFile?
  private var notes: [String] = []

  public init(_ path: FilePath, _ platform: Platform, workDirectory: FilePath) {
    self.path = path
    self.platform = platform
    self.workDirectory = workDirectory
  }

  /// Opens the source. A squashfs is unpacked, by `sqfs2tar`; other sources need not be opened
  /// before ``tree(progress:)``.
  /// - Throws: ``FileError``; `CancellationError`.
  public mutating func open() async throws {
    if try isDirectory { return }
    let opened = try InputFile.copyingPipe(path)
    file = opened
    guard try Squashfs.isOne(opened) else { return }
    (file, notes) = try await Squashfs.archive(of: opened, limit, in: workDirectory)
  }

  /// Reads the metadata of the tree.
  ///
  /// - Parameter progress: Called with the number of bytes read of the source, and its size.
  /// - Throws: ``FileError``; `CancellationError`.
  public func tree(progress: @escaping (Int64, Int64) -> Void) throws -> any TreeSource {
    if try isDirectory {
      let store = BlobDirectory(path: path)
      if let kind = try ContainerImage.kind(store) { return try container(store, kind, progress) }
      return try HostTree(path, leavingOut: output)
    }
    return try tree(of: try file ?? InputFile.copyingPipe(path), progress: progress)
  }

  private var isDirectory: Bool {
    get throws {
      try path != "-"
        && FileError.naming(path, cannot: "open") { try path.stat().type } == .directory
    }
  }

  /// Reads the metadata of the tree in an open file.
  package func tree(
    of file: InputFile, progress: @escaping (Int64, Int64) -> Void
  ) throws -> any TreeSource {
    if let encoding = try tarEncoding(of: file) { return try archive(file, encoding, progress) }
    let image = try Image(file)
    try image.refuseIfWrapped()
    return try ImageTree(image, progress: progress)
  }

  // MARK: Archives

  /// Whether a tar archive is compressed.
  private enum TarEncoding { case plain, compressed }

  /// The encoding of a tar archive; nil if the file is not one.
  private func tarEncoding(of file: InputFile) throws -> TarEncoding? {
    // An image may begin with zero bytes, which libarchive takes for an empty archive.
    if try ImageParts(file).firstNonZero() != 0 { return nil }
    do {
      return try withNamesAsBytes {
        // lz4 returns up to 4 MiB at once; the limit applies when the archive is read.
        let stream = try DecodedStream(path, FileStream(file) { _ in }, Budget(.max))
        let isTar = try TarReader(path, stream).advance()
        return isTar ? (stream.isEncoded ? .compressed : .plain) : nil
      }
    } catch is FileError {
      return nil
    }
  }

  private func open(
    _ file: InputFile, _ encoding: TarEncoding, _ budget: Budget,
    _ onRead: @escaping (Int64) -> Void
  ) throws -> any ByteStream {
    let stream = FileStream(file, onRead: onRead)
    return encoding == .plain ? stream : try DecodedStream(path, stream, budget)
  }

  private func archive(
    _ file: InputFile, _ encoding: TarEncoding, _ progress: @escaping (Int64, Int64) -> Void
  ) throws -> any TreeSource {
    var read: Int64 = 0
    let layer = TarTree.Layer(name: nil, size: file.size) { isFirst, onRead in
      try open(file, encoding, Budget(isFirst ? limit : .max), onRead)
    }
    var reader = RecordReader(path, limit)
    let tar = try layer.open(true) {
      read += $0
      progress(read, file.size)
    }
    let records = try reader.read(tar)
    let store = BlobArchive(path, records) {
      if encoding == .plain { return file }
      let stream = try open(file, encoding, Budget(limit)) { _ in }
      let scratch = try ScratchFile(in: workDirectory)
      try stream.forEachBlock { try scratch.write($0) }
      return try scratch.reopened(as: path)
    }
    if let kind = try ContainerImage.kind(store) { return try container(store, kind, progress) }
    var tree = try TarTree(path, layer, records, permissions: file.permissions)
    tree.notes = notes
    return tree
  }

  // MARK: Container images

  private func container(
    _ store: some BlobStore, _ kind: ContainerImage.Kind,
    _ progress: @escaping (Int64, Int64) -> Void
  ) throws -> TarTree {
    let selector = ImageSelector(platform: platform, reference: reference)
    let image = try ContainerImage(store, kind, selector, Budget(limit))
    var tree = try TarTree(
      path, image.layers, permissions: [.ownerReadWrite, .groupRead, .otherRead], limit: limit,
      progress: progress)
    if !image.command.isEmpty {
      tree.notes = ["command of the image: \(image.command.joined(separator: " "))"]
    }
    return tree
  }
}
