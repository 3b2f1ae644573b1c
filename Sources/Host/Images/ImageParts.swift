// SPDX-License-Identifier: MIT

public import Files
import Initramfs
public import SystemPackage

/// A range of bytes in a file, or in several files that are read as one.
public struct FilePiece: Equatable, Sendable {
  public var offset: Int64
  public var size: Int64
  /// The sidecar of a payload's file, with what newc cannot express.
  public var sidecar: SidecarPiece?

  public init(offset: Int64, size: Int64) {
    self.offset = offset
    self.size = size
  }

  /// The offset just past the piece.
  public var end: Int64 { offset + size }
}

/// The sidecar of a payload's file, as a range of the same file.
public struct SidecarPiece: Equatable, Sendable {
  /// The sidecar's name in errors.
  public var name: [UInt8]
  public var offset: Int64
  public var size: Int64

  public init(name: [UInt8], offset: Int64, size: Int64) {
    self.name = name
    self.offset = offset
    self.size = size
  }
}

/// The bytes of an image: files, ranges of files and bytes in memory. Each begins at a multiple of
/// 4, after zero bytes.
public struct ImageParts: Sendable {
  /// The size in bytes.
  public private(set) var size: Int64 = 0

  private var parts: [Part] = []

  private struct Part: Sendable {
    let start: Int64
    let size: Int64
    let content: Content
    var sidecar: SidecarPiece?
  }

  fileprivate enum Content: Sendable {
    case bytes([UInt8])
    /// A file, from this offset on.
    case file(InputFile, Int64)
    /// An image, from this offset on.
    case image(ImageParts, Int64)
  }

  public init() {}

  /// The whole of `file`.
  public init(_ file: InputFile) {
    append(.file(file, 0), file.size)
  }

  /// `pieces` of `file`.
  public init(_ file: InputFile, _ pieces: [FilePiece]) {
    for piece in pieces { append(piece, of: file) }
  }

  /// Returns pieces of it as an image of their own.
  public func pieces(_ pieces: [FilePiece]) -> ImageParts {
    var image = ImageParts()
    for piece in pieces { image.append(piece, of: self) }
    return image
  }

  /// Appends a piece of another image.
  mutating func append(_ piece: FilePiece, of image: ImageParts) {
    append(piece, .image(image, piece.offset))
  }

  /// Appends a piece of a file.
  mutating func append(_ piece: FilePiece, of file: InputFile) {
    append(piece, .file(file, piece.offset))
  }

  /// Appends `head`, immediately followed by `image`, like a boot loader that makes a file of an
  /// image.
  public mutating func append(head: [UInt8] = [], _ image: ImageParts) {
    if !head.isEmpty { append(.bytes(head), Int64(head.count)) }
    append(.image(image, 0), image.size)
  }

  private mutating func append(_ piece: FilePiece, _ content: Content) {
    // Four zero bytes end an LZ4 stream, which would otherwise absorb the next one.
    if !parts.isEmpty { size = Self.aligned(size).sum(4) }
    append(content, piece.size, piece.sidecar)
  }

  private mutating func append(
    _ content: Content, _ count: Int64, _ sidecar: SidecarPiece? = nil
  ) {
    let start = Self.aligned(size)
    size = start.sum(count)
    parts.append(Part(start: start, size: size - start, content: content, sidecar: sidecar))
  }

  private static func aligned(_ offset: Int64) -> Int64 { offset.sum(-offset & 3) }

  /// Reads from `offset` until `buffer` is full or the image ends.
  /// - Returns: The number of bytes read.
  /// - Throws: ``FileError``.
  public func read(
    at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(FileError) -> Int {
    let count = Int(max(0, min(Int64(buffer.count), size - offset)))
    var filled = offset
    for part in parts {
      let first = max(part.start, offset)
      let end = min(part.start + part.size, offset + Int64(count))
      guard first < end else { continue }
      let zeros = buffer[Int(filled - offset)..<Int(first - offset)]
      zeros.initializeMemory(as: UInt8.self, repeating: 0)
      let place = UnsafeMutableRawBufferPointer(
        rebasing: buffer[Int(first - offset)..<Int(end - offset)])
      let got = try part.content.read(at: first - part.start, into: place)
      if got < place.count { return Int(first - offset) + got }
      filled = end
    }
    buffer[Int(filled - offset)..<count].initializeMemory(as: UInt8.self, repeating: 0)
    return count
  }

  /// Reads `count` bytes from `offset`, or fewer at the end of the image.
  /// - Throws: ``FileError``.
  public func bytes(at offset: Int64, count: Int) throws(FileError) -> [UInt8] {
    var failure: FileError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      do throws(FileError) {
        filled = try read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// The offset of the first byte that is not zero; nil if there is none.
  package func firstNonZero() throws(FileError) -> Int64? {
    try search(from: 0, overlap: 0) { block in block.firstIndex { $0 != 0 } }
  }

  /// Passes one block after the other, from `offset` on, to `find` until it finds something.
  /// - Parameter overlap: The number of bytes that successive blocks share.
  /// - Returns: The offset of what was found; nil if nothing was.
  package func search(
    from offset: Int64, overlap: Int, _ find: (UnsafeRawBufferPointer) -> Int?
  ) throws(FileError) -> Int64? {
    // Small enough to stay in a processor's cache.
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 16)
    defer { block.deallocate() }
    var offset = offset
    // The match is usually near, so start with a small block.
    var count = 4096
    while offset < size {
      let part = UnsafeMutableRawBufferPointer(rebasing: block[..<count])
      let filled = try read(at: offset, into: part)
      if let index = find(UnsafeRawBufferPointer(rebasing: part[..<filled])) {
        return offset + Int64(index)
      }
      if filled < count { return nil }
      offset += Int64(count - overlap)
      count = block.count
    }
    return nil
  }

  /// Passes all bytes to `consume`, one block after the other.
  /// - Parameter name: The image's name in errors.
  /// - Throws: ``FileError``, what `consume` throws, and `CancellationError` between blocks.
  package func forEachBlock(_ name: FilePath, _ consume: ([UInt8]) throws -> Void) throws {
    var offset: Int64 = 0
    while offset < size {
      try Task.checkCancellation()
      let count = Int(min(Int64(InputFile.blockSize), size - offset))
      let block = try bytes(at: offset, count: count)
      guard block.count == count else {
        throw FileError(
          name, offset: offset + Int64(block.count), found: "the end of the file",
          expected: "\(size) bytes")
      }
      try consume(block)
      offset += Int64(count)
    }
  }

  // MARK: Sidecars

  /// The index of the part that contains the byte at `offset`, if that part has a sidecar.
  func sidecar(at offset: Int64) -> Int? {
    parts.lastIndex { $0.start <= offset }.flatMap { parts[$0].sidecar == nil ? nil : $0 }
  }

  func sidecarName(_ number: Int) -> [UInt8] { parts[number].sidecar?.name ?? [] }

  func readSidecar(
    _ number: Int, at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(FileError) -> Int {
    guard let sidecar = parts[number].sidecar, offset < sidecar.size else { return 0 }
    let count = Int(min(Int64(buffer.count), sidecar.size - offset))
    return try parts[number].content.origin.read(
      at: sidecar.offset + offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
  }
}

extension ImageParts.Content {
  /// The content that the part is a piece of.
  fileprivate var origin: ImageParts.Content {
    switch self {
    case .bytes: self
    case .file(let file, _): .file(file, 0)
    case .image(let image, _): .image(image, 0)
    }
  }

  fileprivate func read(
    at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(FileError) -> Int {
    switch self {
    case .bytes(let bytes): return Bytes(bytes).read(at: offset, into: buffer)
    case .file(let file, let start): return try file.read(at: start + offset, into: buffer)
    case .image(let image, let start): return try image.read(at: start + offset, into: buffer)
    }
  }
}

extension Int64 {
  /// Saturates at the largest offset: sparse files may have any size.
  fileprivate func sum(_ count: Int64) -> Int64 {
    let (sum, isTooMuch) = addingReportingOverflow(count)
    return isTooMuch ? .max : sum
  }
}

extension OutputFile {
  /// Appends the whole of `image`, which errors call `name`, in constant memory.
  /// - Throws: ``FileError``; `CancellationError` if the task was cancelled.
  public func write(contentsOf image: ImageParts, _ name: FilePath) throws {
    try image.forEachBlock(name) { try write($0) }
  }
}
