// SPDX-License-Identifier: MIT

public import Initramfs

/// A part of a file, in bytes.
public struct FilePiece: Equatable, Sendable {
  public var offset: Int64
  public var size: Int64

  public init(offset: Int64, size: Int64) {
    self.offset = offset
    self.size = size
  }
}

/// A file that is read as an image, or several pieces of it as one: it tells how far it has been
/// read, and ends the reading if the task is cancelled.
public struct ObservedFile: ~Copyable, ImageSource {
  public typealias Failure = any Error

  public let size: Int64

  private let file: InputFile
  /// Where each begins in the image, in order.
  private let pieces: [(start: Int64, piece: FilePiece)]
  private let onRead: (_ offset: Int64, _ size: Int64) -> Void

  /// `file`; `onRead` is called now and then with the offset up to which it has been read.
  ///
  /// - Parameter pieces: of the file, if it is not all of it. Between them are zero bytes, as an
  ///   image wants them: 4 more than alignment to 4 takes.
  public init(
    _ file: consuming InputFile, pieces: [FilePiece] = [],
    onRead: @escaping (Int64, Int64) -> Void = { _, _ in }
  ) {
    var start: Int64 = 0
    var placed: [(Int64, FilePiece)] = []
    for piece in pieces {
      placed.append((start, piece))
      start = (start + piece.size + 3) & ~3 + 4
    }
    size = pieces.isEmpty ? file.size : start
    self.pieces = placed
    self.file = file
    self.onRead = onRead
  }

  public func read(
    at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) throws -> Int {
    if pieces.isEmpty { return try file.read(at: offset, into: buffer) }
    let count = max(0, min(buffer.count, Int(size - offset)))
    buffer[..<count].initializeMemory(as: UInt8.self, repeating: 0)
    for (start, piece) in pieces {
      let (first, end) = (max(start, offset), min(start + piece.size, offset + Int64(count)))
      guard first < end else { continue }
      let part = UnsafeMutableRawBufferPointer(
        rebasing: buffer[Int(first - offset)..<Int(end - offset)])
      guard try file.read(at: piece.offset + first - start, into: part) == part.count else {
        return Int(first - offset)
      }
    }
    return count
  }

  /// - Throws: `CancellationError`.
  public func consumed(upTo offset: Int64) throws {
    try Task.checkCancellation()
    onRead(offset, size)
  }
}
