// SPDX-License-Identifier: MIT

public import Initramfs

/// A part of a file, in bytes.
public struct FilePiece: Equatable, Sendable {
  public var offset: Int64
  public var size: Int64
  /// Of a payload's file, what newc cannot carry of it.
  public var sidecar: SidecarPiece?

  public init(offset: Int64, size: Int64) {
    self.offset = offset
    self.size = size
  }
}

/// The sidecar of a payload's file, as a part of the image.
public struct SidecarPiece: Equatable, Sendable {
  /// Of the payload's file.
  public var number: Int
  public var offset: Int64
  public var size: Int64

  public init(number: Int, offset: Int64, size: Int64) {
    self.number = number
    self.offset = offset
    self.size = size
  }
}

/// Files, or pieces of them, that are read as one image: each begins at a multiple of 4, after zero
/// bytes. It tells how far it has been read, and ends the reading if the task is cancelled.
public struct ImageSequence: ImageSource {
  public typealias Failure = any Error

  public private(set) var size: Int64 = 0

  private var parts: [Part] = []
  private let onRead: (_ offset: Int64, _ size: Int64) -> Void

  private struct Part {
    let start: Int64
    let size: Int64
    let content: Content
    var sidecar: SidecarPiece?
  }

  private enum Content {
    case bytes([UInt8])
    /// From this offset on.
    case file(OpenFile, Int64)
  }

  /// An array holds no values that cannot be copied.
  private final class OpenFile {
    let file: InputFile

    init(_ file: consuming InputFile) { self.file = file }
  }

  /// Nothing yet; `onRead` is called now and then with the offset up to which all has been read.
  public init(onRead: @escaping (_ offset: Int64, _ size: Int64) -> Void = { _, _ in }) {
    self.onRead = onRead
  }

  /// All of `file`, or `pieces` of it.
  public init(
    _ file: consuming InputFile, pieces: [FilePiece] = [],
    onRead: @escaping (_ offset: Int64, _ size: Int64) -> Void = { _, _ in }
  ) {
    self.init(onRead: onRead)
    append(file, pieces: pieces)
  }

  /// Adds `head`, and right behind it all of `file`, or `pieces` of it.
  public mutating func append(
    head: [UInt8] = [], _ file: consuming InputFile, pieces: [FilePiece] = []
  ) {
    if !head.isEmpty { append(.bytes(head), Int64(head.count)) }
    let whole = FilePiece(offset: 0, size: file.size)
    let open = OpenFile(file)
    for (index, piece) in (pieces.isEmpty ? [whole] : pieces).enumerated() {
      // Four zero bytes end an LZ4 stream, which would take another one for its own.
      if index > 0 { size = (size + 3) & ~3 + 4 }
      append(.file(open, piece.offset), piece.size, piece.sidecar)
    }
  }

  private mutating func append(
    _ content: Content, _ count: Int64, _ sidecar: SidecarPiece? = nil
  ) {
    size = (size + 3) & ~3
    parts.append(Part(start: size, size: count, content: content, sidecar: sidecar))
    size += count
  }

  public func read(
    at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) throws -> Int {
    let count = max(0, min(buffer.count, Int(size - offset)))
    var filled = offset
    for part in parts {
      let first = max(part.start, offset)
      let end = min(part.start + part.size, offset + Int64(count))
      guard first < end else { continue }
      let zeros = buffer[Int(filled - offset)..<Int(first - offset)]
      zeros.initializeMemory(as: UInt8.self, repeating: 0)
      let place = UnsafeMutableRawBufferPointer(
        rebasing: buffer[Int(first - offset)..<Int(end - offset)])
      switch part.content {
      case .bytes(let bytes):
        place.copyBytes(from: bytes[Int(first - part.start)..<Int(end - part.start)])
      case .file(let open, let start):
        let got = try open.file.read(at: start + first - part.start, into: place)
        if got < place.count { return Int(first - offset) + got }
      }
      filled = end
    }
    buffer[Int(filled - offset)..<count].initializeMemory(as: UInt8.self, repeating: 0)
    return count
  }

  public func sidecar(at offset: Int64) -> Int? {
    parts.last { $0.start <= offset }?.sidecar?.number
  }

  public func readSidecar(
    _ number: Int, at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) throws -> Int {
    guard let part = parts.first(where: { $0.sidecar?.number == number }),
      let sidecar = part.sidecar, case .file(let open, _) = part.content, offset < sidecar.size
    else { return 0 }
    let count = Int(min(Int64(buffer.count), sidecar.size - offset))
    return try open.file.read(
      at: sidecar.offset + offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
  }

  /// - Throws: `CancellationError`.
  public func consumed(upTo offset: Int64) throws {
    try Task.checkCancellation()
    onRead(offset, size)
  }
}
