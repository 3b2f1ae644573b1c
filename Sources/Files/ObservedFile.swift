// SPDX-License-Identifier: MIT

public import Initramfs

/// A file that is read as an image: it tells how far it has been read, and ends the reading if the
/// task is cancelled.
public struct ObservedFile: ~Copyable, ImageSource {
  public typealias Failure = any Error

  private let file: InputFile
  private let onRead: (_ offset: Int64, _ size: Int64) -> Void

  /// `file`; `onRead` is called now and then with the offset up to which it has been read.
  public init(
    _ file: consuming InputFile, onRead: @escaping (Int64, Int64) -> Void = { _, _ in }
  ) {
    self.file = file
    self.onRead = onRead
  }

  public var size: Int64 { file.size }

  public func read(
    at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) throws -> Int {
    try file.read(at: offset, into: buffer)
  }

  /// - Throws: `CancellationError`.
  public func consumed(upTo offset: Int64) throws {
    try Task.checkCancellation()
    onRead(offset, size)
  }
}
