// SPDX-License-Identifier: MIT

public import Initramfs
public import SystemPackage

/// A regular file, open for reading until the value goes.
public struct InputFile: ~Copyable, ImageSource {
  public typealias Failure = FileError

  /// How many bytes are read at once: enough to keep system calls few, little enough to forget.
  package static let blockSize = 1 << 20

  /// The file, as the user named it.
  public let path: FilePath
  /// Length in bytes when it was opened.
  public let size: Int64
  /// Permission bits, with setuid, setgid and sticky.
  public let permissions: FilePermissions

  private let descriptor: FileDescriptor

  /// Opens `path`.
  /// - Throws: ``FileError`` if it cannot be read or is not a regular file. open(2), fstat(2).
  public init(_ path: FilePath) throws(FileError) {
    // Without O_NONBLOCK, opening a fifo would wait for its other end before it could be refused.
    let descriptor = try FileError.naming(path, cannot: "open") {
      try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
    }
    do throws(FileError) {
      let status = try FileError.naming(path, cannot: "stat") { try descriptor.stat() }
      guard status.type == .regular else {
        throw FileError(path, "is \(status.type.name), not a regular file")
      }
      self.path = path
      self.size = status.size
      self.permissions = status.permissions
      self.descriptor = descriptor
    } catch {
      try? descriptor.close()
      throw error
    }
  }

  deinit { try? descriptor.close() }

  /// Reads all of it.
  public func bytes() throws(FileError) -> [UInt8] { try bytes(at: 0, count: Int(size)) }

  /// Reads `count` bytes from `offset`, fewer only where the file ends. pread(2).
  public func bytes(at offset: Int64, count: Int) throws(FileError) -> [UInt8] {
    try FileError.naming(path, cannot: "read") {
      try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        filled = try read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
      }
    }
  }

  /// Reads from `offset` until `buffer` is full or the file ends. pread(2).
  public func read(
    at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(FileError) -> Int {
    try FileError.naming(path, cannot: "read") {
      var filled = 0
      while filled < buffer.count {
        let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
        let step = try descriptor.read(fromAbsoluteOffset: offset + Int64(filled), into: rest)
        guard step > 0 else { break }
        filled += step
      }
      return filled
    }
  }

  /// The offset of the first byte from `offset` on that is not zero; nil if only zeros are left.
  package func firstNonZero(from offset: Int64) throws(FileError) -> Int64? {
    var offset = offset
    // Mostly what is looked for is near: begin small, so that a walk over many records stays cheap.
    var count = 64
    while offset < size {
      let block = try bytes(at: offset, count: count)
      if let index = block.firstIndex(where: { $0 != 0 }) { return offset + Int64(index) }
      guard !block.isEmpty else { return nil }
      offset += Int64(block.count)
      count = min(count * 4, InputFile.blockSize)
    }
    return nil
  }

  /// Hands the whole file to `consume`, one block after the other.
  /// - Throws: ``FileError``, what `consume` throws, and `CancellationError` between two blocks.
  package func forEachBlock(_ consume: ([UInt8]) throws -> Void) throws {
    var offset: Int64 = 0
    while offset < size {
      try Task.checkCancellation()
      let block = try bytes(at: offset, count: Int(min(Int64(InputFile.blockSize), size - offset)))
      guard !block.isEmpty else {
        throw FileError(
          path, offset: offset, found: "the end of the file", expected: "\(size) bytes")
      }
      try consume(block)
      offset += Int64(block.count)
    }
  }
}

extension FileType {
  /// What a person calls a file of this type.
  package var name: String {
    switch self {
    case .directory: "a directory"
    case .characterSpecial: "a character device"
    case .blockSpecial: "a block device"
    case .fifo: "a fifo"
    case .socket: "a socket"
    case .symbolicLink: "a symbolic link"
    case .regular: "a regular file"
    default: "a file of unknown type"
    }
  }
}
