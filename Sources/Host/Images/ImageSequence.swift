// SPDX-License-Identifier: MIT

public import Files
public import Initramfs

/// A source that reads an image, reports progress, and stops if the task is cancelled.
public struct ImageSequence: ImageSource {
  public typealias Failure = any Error

  private let parts: ImageParts
  private let onRead: (_ offset: Int64, _ size: Int64) -> Void

  /// - Parameter onRead: Called now and then with the offset up to which everything has been read,
  ///   and the image's size.
  public init(
    _ parts: ImageParts, onRead: @escaping (_ offset: Int64, _ size: Int64) -> Void = { _, _ in }
  ) {
    self.parts = parts
    self.onRead = onRead
  }

  /// Reads the whole of `file`.
  public init(
    _ file: InputFile, onRead: @escaping (_ offset: Int64, _ size: Int64) -> Void = { _, _ in }
  ) {
    self.init(ImageParts(file), onRead: onRead)
  }

  public var size: Int64 { parts.size }

  public func read(
    at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) throws -> Int { try parts.read(at: offset, into: buffer) }

  public func sidecar(at offset: Int64) -> Int? { parts.sidecar(at: offset) }

  public func sidecarName(_ number: Int) -> [UInt8] { parts.sidecarName(number) }

  public func readSidecar(
    _ number: Int, at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) throws -> Int { try parts.readSidecar(number, at: offset, into: buffer) }

  /// - Throws: `CancellationError`.
  public func consumed(upTo offset: Int64) throws {
    try Task.checkCancellation()
    onRead(offset, size)
  }
}

extension InputFile: ImageSource {
  public typealias Failure = FileError
}
