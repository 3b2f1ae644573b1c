// SPDX-License-Identifier: MIT

import Files
import Initramfs
import SystemPackage

/// Several images as one, as a boot loader places them in memory: between two of them are zero
/// bytes up to a multiple of 4.
struct ImageSequence: ImageSource {
  typealias Failure = any Error

  private(set) var size: Int64 = 0
  private var parts: [Part] = []

  private struct Part {
    let start: Int64
    let size: Int64
    let content: Content
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

  init() {}

  /// One image.
  init(_ path: FilePath) throws(FileError) { append(try InputFile(path)) }

  /// Adds `head`, and right behind it all of `file`, or `pieces` of it, each on a multiple of 4.
  mutating func append(
    head: [UInt8] = [], _ file: consuming InputFile, pieces: [FilePiece] = []
  ) {
    if !head.isEmpty { append(.bytes(head), Int64(head.count)) }
    let pieces = pieces.isEmpty ? [FilePiece(offset: 0, size: file.size)] : pieces
    let open = OpenFile(file)
    for piece in pieces { append(.file(open, piece.offset), piece.size) }
  }

  private mutating func append(_ content: Content, _ count: Int64) {
    size = (size + 3) & ~3
    parts.append(Part(start: size, size: count, content: content))
    size += count
  }

  func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let count = max(0, min(buffer.count, Int(size - offset)))
    buffer[..<count].initializeMemory(as: UInt8.self, repeating: 0)
    for part in parts {
      let first = max(part.start, offset)
      let end = min(part.start + part.size, offset + Int64(count))
      guard first < end else { continue }
      let place = UnsafeMutableRawBufferPointer(
        rebasing: buffer[Int(first - offset)..<Int(end - offset)])
      switch part.content {
      case .bytes(let bytes):
        place.copyBytes(from: bytes[Int(first - part.start)..<Int(end - part.start)])
      case .file(let open, let start):
        guard try open.file.read(at: start + first - part.start, into: place) == place.count else {
          return Int(first - offset)
        }
      }
    }
    return count
  }

  /// - Throws: `CancellationError`.
  func consumed(upTo offset: Int64) throws { try Task.checkCancellation() }
}
