// SPDX-License-Identifier: MIT

/// The part of a source that is in view. It only moves forward.
final class Window<Source: ImageSource & ~Copyable> {
  /// In bytes: large enough to keep system calls few, small enough to stay in the processor's
  /// cache.
  private static var blockSize: Int { 256 << 10 }
  /// After a jump only a header and a name are needed, perhaps followed by another jump.
  private static var peekSize: Int { 8 << 10 }

  let source: Source

  /// Why the source cannot be read, after ``Stop/source``.
  private(set) var failure: Source.Failure?

  /// Offset in the source of the first byte in view.
  private(set) var offset: Int64 = 0

  private var buffer = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private var start = 0
  private var end = 0
  private var hasJumped = false

  /// All of the source, if it is in memory. The buffer is then empty.
  private let mapping: UnsafeRawBufferPointer?
  /// How much of it is in view.
  private var viewSize = Window.blockSize

  init(_ source: consuming Source) {
    self.source = source
    mapping = self.source.mapping()
    if mapping == nil { buffer = .allocate(byteCount: Self.blockSize, alignment: 16) }
  }

  deinit { buffer.deallocate() }

  /// The bytes in view, valid until the next call of ``fill(_:)``.
  var bytes: UnsafeRawBufferPointer {
    guard let mapping else { return UnsafeRawBufferPointer(rebasing: buffer[start..<end]) }
    let start = min(Int(offset), mapping.count)
    return UnsafeRawBufferPointer(
      rebasing: mapping[start..<min(start + viewSize, mapping.count)])
  }

  /// Whether nothing comes after what is in view.
  var isLast: Bool { offset + Int64(bytes.count) >= source.size }

  /// Takes `count` bytes off the front; they may lie beyond what is in view.
  func advance(_ count: Int64) {
    offset += count
    guard mapping == nil else { return }
    if count <= Int64(end - start) {
      start += Int(count)
    } else {
      start = 0
      end = 0
      hasJumped = true
    }
  }

  /// Gets at least `count` bytes into view, unless fewer are left.
  func fill(_ count: Int) throws(Stop) {
    viewSize = max(viewSize, count)
    guard mapping == nil, end - start < count else { return }
    if start > 0 {
      buffer.copyMemory(from: bytes)
      end -= start
      start = 0
    }
    if buffer.count < count { grow(to: count) }

    let room = hasJumped ? max(count - end, Self.peekSize) : buffer.count - end
    hasJumped = false
    let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[end..<min(end + room, buffer.count)])
    guard offset + Int64(end) < source.size else { return }
    do throws(Source.Failure) {
      end += try source.read(at: offset + Int64(end), into: rest)
    } catch {
      failure = error
      throw .source
    }
  }

  /// Goes back to the beginning.
  func rewind() {
    offset = 0
    start = 0
    end = 0
  }

  private func grow(to count: Int) {
    let larger = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(count, 2 * buffer.count), alignment: 16)
    larger.copyMemory(from: bytes)
    buffer.deallocate()
    buffer = larger
  }
}
