// SPDX-License-Identifier: MIT

public import Files
import Initramfs
public import SystemPackage

/// A part of a file, or of several that are read as one, in bytes.
public struct FilePiece: Equatable, Sendable {
  public var offset: Int64
  public var size: Int64
  /// Of a payload's file, what newc cannot carry of it.
  public var sidecar: SidecarPiece?

  public init(offset: Int64, size: Int64) {
    self.offset = offset
    self.size = size
  }

  /// The offset behind it.
  public var end: Int64 { offset + size }
}

/// The sidecar of a payload's file, as a part of the same file.
public struct SidecarPiece: Equatable, Sendable {
  /// What errors call it.
  public var name: [UInt8]
  public var offset: Int64
  public var size: Int64

  public init(name: [UInt8], offset: Int64, size: Int64) {
    self.name = name
    self.offset = offset
    self.size = size
  }
}

/// Where the bytes of an image are: files, pieces of them, and bytes in memory, each of which begins
/// at a multiple of 4, after zero bytes.
public struct ImageParts: Sendable {
  /// In bytes.
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
    /// From this offset on.
    case file(InputFile, Int64)
    /// The same, of an image.
    case image(ImageParts, Int64)
  }

  public init() {}

  /// All of `file`.
  public init(_ file: InputFile) {
    append(.file(file, 0), file.size)
  }

  /// `pieces` of `file`.
  public init(_ file: InputFile, _ pieces: [FilePiece]) {
    for piece in pieces { append(piece, .file(file, piece.offset)) }
  }

  /// Pieces of it, as an image of their own.
  public func pieces(_ pieces: [FilePiece]) -> ImageParts {
    var image = ImageParts()
    for piece in pieces { image.append(piece, .image(self, piece.offset)) }
    return image
  }

  /// Adds `head`, and right behind it `image`, as a boot loader does that makes a file of an image.
  public mutating func append(head: [UInt8] = [], _ image: ImageParts) {
    if !head.isEmpty { append(.bytes(head), Int64(head.count)) }
    append(.image(image, 0), image.size)
  }

  private mutating func append(_ piece: FilePiece, _ content: Content) {
    // Four zero bytes end an LZ4 stream, which would take another one for its own.
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
  /// - Returns: how many bytes there were.
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

  /// Reads `count` bytes from `offset`, fewer only where the image ends.
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

  /// Looks at one block after the other, from `offset` on, until `find` finds something in it.
  /// - Parameter overlap: of one block with the next, in bytes.
  /// - Returns: the offset of what has been found.
  package func search(
    from offset: Int64, overlap: Int, _ find: (UnsafeRawBufferPointer) -> Int?
  ) throws(FileError) -> Int64? {
    // Small enough to stay in a processor's cache.
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 16)
    defer { block.deallocate() }
    var offset = offset
    // Mostly what is looked for is near.
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

  /// Hands all to `consume`, one block after the other.
  /// - Parameter name: what errors call the image.
  /// - Throws: ``FileError``, what `consume` throws, and `CancellationError` between two blocks.
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

  /// The number of the part that the byte at `offset` belongs to, if that has a sidecar.
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
  /// All that the part is a piece of.
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
  /// No image ends behind the largest offset: files with holes may have any size.
  fileprivate func sum(_ count: Int64) -> Int64 {
    let (sum, isTooMuch) = addingReportingOverflow(count)
    return isTooMuch ? .max : sum
  }
}

extension OutputFile {
  /// Appends all of `image`, which errors call `name`, in constant memory.
  /// - Throws: ``FileError``; `CancellationError` if the task was cancelled.
  public func write(contentsOf image: ImageParts, _ name: FilePath) throws {
    try image.forEachBlock(name) { try write($0) }
  }
}
