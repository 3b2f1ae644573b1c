// SPDX-License-Identifier: MIT

/// Where the bytes of an image come from.
public protocol ImageSource: ~Copyable {
  /// Why they cannot be had.
  associatedtype Failure: Error

  /// Length in bytes.
  var size: Int64 { get }

  /// Reads from `offset` until `buffer` is full or the source ends.
  ///
  /// - Returns: how many bytes there were.
  func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int

  /// Takes note that all before `offset` has been read, and handed out, for the last time. Called
  /// by who reads the image, now and then; what it throws ends the reading.
  func consumed(upTo offset: Int64) throws(Failure)

  /// The number of the payload's file that the byte at `offset` belongs to, if that has a sidecar.
  func sidecar(at offset: Int64) -> Int?

  /// What errors call the file of that number.
  func sidecarName(_ number: Int) -> [UInt8]

  /// Reads the sidecar of that number, as ``read(at:into:)`` reads the image.
  func readSidecar(
    _ number: Int, at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(Failure) -> Int
}

extension ImageSource where Self: ~Copyable {
  public func consumed(upTo offset: Int64) {}

  public func sidecar(at offset: Int64) -> Int? { nil }

  public func sidecarName(_ number: Int) -> [UInt8] { [] }

  public func readSidecar(
    _ number: Int, at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) -> Int { 0 }
}

/// The names of sidecars.
public enum Sidecar {
  /// What is behind the name of the file that one belongs to.
  public static var suffix: StaticString { ".extra" }
}

/// Bytes in memory, as an image.
public struct Bytes: ImageSource {
  public typealias Failure = Never

  private let bytes: [UInt8]
  private let sidecar: [UInt8]?

  /// - Parameter sidecar: of all its records.
  public init(_ bytes: [UInt8], sidecar: [UInt8]? = nil) {
    self.bytes = bytes
    self.sidecar = sidecar
  }

  public var size: Int64 { Int64(bytes.count) }

  public func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    Self.copy(bytes, offset, buffer)
  }

  public func sidecar(at offset: Int64) -> Int? { sidecar == nil ? nil : 0 }

  public func readSidecar(
    _ number: Int, at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) -> Int { Self.copy(sidecar ?? [], offset, buffer) }

  private static func copy(
    _ bytes: [UInt8], _ offset: Int64, _ buffer: UnsafeMutableRawBufferPointer
  ) -> Int {
    let rest = bytes.dropFirst(Int(offset)).prefix(buffer.count)
    buffer.copyBytes(from: rest)
    return rest.count
  }
}
