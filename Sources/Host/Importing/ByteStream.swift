// SPDX-License-Identifier: MIT

import CArchive
import Files
import SystemPackage

/// A stream of bytes in blocks.
protocol ByteStream: AnyObject {
  /// Returns the next bytes, valid until the next call; empty at the end.
  func next() throws -> UnsafeRawBufferPointer
  /// Skips up to `count` bytes.
  /// - Returns: The number of skipped bytes; 0 if they must be read.
  func skip(_ count: Int64) throws -> Int64
}

extension ByteStream {
  func skip(_ count: Int64) throws -> Int64 { 0 }

  /// Reads to the end and passes each block to `consume`.
  func forEachBlock(_ consume: (UnsafeRawBufferPointer) throws -> Void) throws {
    while true {
      let block = try next()
      if block.isEmpty { return }
      try consume(block)
    }
  }

  /// Reads to the end.
  func drain() throws { try forEachBlock { _ in } }
}

/// A file, from its start.
final class FileStream: ByteStream {
  private let file: InputFile
  private let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
  private let onRead: (Int64) -> Void
  private var offset: Int64 = 0

  /// - Parameter onRead: Called with the number of additional bytes read or skipped.
  init(_ file: InputFile, onRead: @escaping (Int64) -> Void) {
    self.file = file
    self.onRead = onRead
  }

  deinit { block.deallocate() }

  func next() throws -> UnsafeRawBufferPointer {
    try Task.checkCancellation()
    let count = try file.read(at: offset, into: block)
    offset += Int64(count)
    onRead(Int64(count))
    return UnsafeRawBufferPointer(rebasing: block[..<count])
  }

  func skip(_ count: Int64) -> Int64 {
    let skipped = min(count, file.size - offset)
    offset += skipped
    onRead(skipped)
    return skipped
  }
}

/// The number of bytes that a source may have.
final class Budget {
  private let limit: Int64
  private var left: Int64

  init(_ limit: Int64) {
    self.limit = limit
    left = limit
  }

  func take(_ count: Int64, of path: FilePath) throws(FileError) {
    guard count <= left else { throw Self.exceeded(limit, path) }
    left -= count
  }

  /// The error about a source with more than `limit` bytes.
  static func exceeded(_ limit: Int64, _ path: FilePath) -> FileError {
    FileError(path, "has more than \(limit >> 20) MiB, the limit of --max-size")
  }
}
