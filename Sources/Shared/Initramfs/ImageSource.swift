// SPDX-License-Identifier: MIT

/// Where the bytes of an image come from.
public protocol ImageSource: ~Copyable {
  /// Why they cannot be read.
  associatedtype Failure: Error

  /// The length in bytes.
  var size: Int64 { get }

  /// Reads from `offset` until `buffer` is full or the source ends.
  ///
  /// - Returns: the number of bytes read.
  func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int

  /// Returns all bytes if they are in memory already; nil if they are to be read. They are valid
  /// until they have been ``consumed(upTo:)``.
  func mapping() -> UnsafeRawBufferPointer?

  /// Notes that everything before `offset` has been read, and handed out, for the last time. The
  /// reader of the image calls this now and then; throwing ends the reading.
  func consumed(upTo offset: Int64) throws(Failure)

  /// Returns the number of the payload's file that has the byte at `offset`, if it has a sidecar.
  func sidecar(at offset: Int64) -> Int?

  /// Returns the name of the sidecar `number` for error messages.
  func sidecarName(_ number: Int) -> [UInt8]

  /// Reads the sidecar `number`, as ``read(at:into:)`` reads the image.
  func readSidecar(
    _ number: Int, at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(Failure) -> Int
}

extension ImageSource where Self: ~Copyable {
  public func mapping() -> UnsafeRawBufferPointer? { nil }

  public func consumed(upTo offset: Int64) {}

  public func sidecar(at offset: Int64) -> Int? { nil }

  public func sidecarName(_ number: Int) -> [UInt8] { [] }

  public func readSidecar(
    _ number: Int, at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) -> Int { 0 }
}

/// The names of sidecars.
public enum Sidecar {
  /// What follows the name of the file that a sidecar belongs to.
  public static var suffix: StaticString { ".extra" }
}

/// Bytes in memory, as an image.
public struct Bytes: ImageSource {
  public typealias Failure = Never

  private let bytes: [UInt8]
  private let sidecar: [UInt8]?

  /// - Parameter sidecar: the sidecar of all records; nil if there is none.
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
