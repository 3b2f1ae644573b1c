// SPDX-License-Identifier: MIT

public import SystemPackage

/// Where the bytes of an image come from: a file, or memory.
public protocol ByteSource: ~Copyable {
  /// What errors call it.
  var path: FilePath { get }
  /// Length in bytes.
  var size: Int64 { get }
  /// Reads from `offset` until `buffer` is full or the source ends.
  /// - Returns: How many bytes there were.
  func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int
}

/// Bytes in memory, as an image: for tests and fuzzers.
public struct Bytes: ByteSource {
  public let path: FilePath
  private let bytes: [UInt8]

  /// `bytes`, which errors call `path`.
  public init(_ bytes: [UInt8], path: FilePath = "memory") {
    self.bytes = bytes
    self.path = path
  }

  public var size: Int64 { Int64(bytes.count) }

  public func read(
    at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(FileError) -> Int {
    let rest = bytes.dropFirst(Int(offset)).prefix(buffer.count)
    buffer.copyBytes(from: rest)
    return rest.count
  }
}

/// A file that tells how far it has been read.
public struct ObservedFile: ~Copyable, ByteSource {
  private let file: InputFile
  private let onRead: (_ offset: Int64, _ size: Int64) -> Void

  /// `file`; `onRead` is called with the offset behind each block that was read.
  public init(_ file: consuming InputFile, onRead: @escaping (Int64, Int64) -> Void) {
    self.file = file
    self.onRead = onRead
  }

  public var path: FilePath { file.path }
  public var size: Int64 { file.size }

  public func read(
    at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(FileError) -> Int {
    let count = try file.read(at: offset, into: buffer)
    onRead(offset + Int64(count), size)
    return count
  }
}

/// The part of a source that is being looked at. It only moves forward.
final class Window {
  /// Enough to keep system calls few, little enough to stay in the processor's cache.
  static let blockSize = 256 << 10
  /// After a jump only a header and a name are needed, perhaps followed by another jump.
  private static let peekSize = 8 << 10

  /// Offset in the source of the first byte in view.
  private(set) var offset: Int64 = 0

  private var buffer = UnsafeMutableRawBufferPointer.allocate(
    byteCount: Window.blockSize, alignment: 16)
  private var start = 0
  private var end = 0
  private var hasJumped = false

  deinit { buffer.deallocate() }

  /// What is in view.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: buffer[start..<end]) }

  /// Takes `count` bytes off the front; they may lie beyond what is in view.
  func advance(_ count: Int64) {
    offset += count
    if count <= Int64(end - start) {
      start += Int(count)
    } else {
      start = 0
      end = 0
      hasJumped = true
    }
  }

  /// Gets at least `count` bytes into view, unless fewer are left.
  func fill(_ count: Int, from source: borrowing some ByteSource & ~Copyable) throws(FileError) {
    guard end - start < count else { return }
    if start > 0 {
      buffer.copyMemory(from: bytes)
      end -= start
      start = 0
    }
    if buffer.count < count { grow(to: count) }

    let room = hasJumped ? max(count - end, Window.peekSize) : buffer.count - end
    hasJumped = false
    let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[end..<min(end + room, buffer.count)])
    guard offset + Int64(end) < source.size else { return }
    end += try source.read(at: offset + Int64(end), into: rest)
  }

  /// Whether nothing comes after what is in view.
  func isLast(of source: borrowing some ByteSource & ~Copyable) -> Bool {
    offset + Int64(end - start) >= source.size
  }

  private func grow(to count: Int) {
    let larger = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(count, 2 * buffer.count), alignment: 16)
    larger.copyMemory(from: bytes)
    buffer.deallocate()
    buffer = larger
  }
}
