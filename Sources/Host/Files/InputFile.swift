// SPDX-License-Identifier: MIT

public import SystemPackage

/// A file that is open for reading until its last reference goes. Any thread can read it in any
/// order.
public final class InputFile: Sendable {
  /// The number of bytes to read at once: enough to keep system calls few, too few to matter in
  /// memory.
  package static let blockSize = 1 << 20

  /// The file, as the user named it.
  public let path: FilePath
  /// The size in bytes when the file was opened.
  public let size: Int64
  /// Permission bits, with setuid, setgid and sticky.
  public let permissions: FilePermissions

  private let descriptor: FileDescriptor

  /// Opens the regular file `path`.
  /// - Throws: ``FileError`` if it cannot be read or is not a regular file. open(2), fstat(2).
  public convenience init(_ path: FilePath) throws(FileError) {
    // Without O_NONBLOCK, opening a fifo would wait for its other end before it could be refused.
    let descriptor = try FileError.naming(path, cannot: "open") {
      try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
    }
    try self.init(path, descriptor)
  }

  /// Takes over `descriptor`.
  /// - Parameter permissions: The permissions to report; nil for those of the open file.
  init(
    _ path: FilePath, _ descriptor: FileDescriptor, _ permissions: FilePermissions? = nil
  ) throws(FileError) {
    do throws(FileError) {
      let status = try FileError.naming(path, cannot: "stat") { try descriptor.stat() }
      guard status.type == .regular else {
        throw FileError(path, "is \(status.type.name), not a regular file")
      }
      self.path = path
      self.size = status.size
      self.permissions = permissions ?? status.permissions
      self.descriptor = descriptor
    } catch {
      try? descriptor.close()
      throw error
    }
  }

  /// Opens `path`; `-` is standard input. Input that is not seekable, or already partly read, is
  /// copied into an unnamed file in ``ScratchFile/usualDirectory``.
  /// - Throws: ``FileError``; `CancellationError`.
  public static func copyingPipe(_ path: FilePath) throws -> InputFile {
    let descriptor = try FileError.naming(path, cannot: "open") {
      path == "-"
        ? try FileDescriptor.standardInput.duplicate()
        : try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
    }
    let type = try FileError.naming(path, cannot: "stat") { try descriptor.stat().type }
    let isAtStart = (try? descriptor.seek(offset: 0, from: .current)) == 0
    guard type == .fifo || type == .socket || type == .regular && !isAtStart else {
      return try InputFile(path, descriptor)
    }
    defer { try? descriptor.close() }
    let scratch = try ScratchFile(in: ScratchFile.usualDirectory)
    try scratch.write(contentsOf: descriptor, path)
    return try scratch.reopened(as: path)
  }

  deinit { try? descriptor.close() }

  /// Returns another descriptor of the file, for a program that reads it. Both share one offset,
  /// which this object does not use.
  /// - Throws: ``FileError``.
  package func duplicate() throws(FileError) -> FileDescriptor {
    try FileError.naming(path, cannot: "open") { try descriptor.duplicate() }
  }

  /// Reads the whole file.
  public func bytes() throws(FileError) -> [UInt8] { try bytes(at: 0, count: Int(size)) }

  /// Reads `count` bytes from `offset`, or fewer at the end of the file. pread(2).
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
}

extension FileType {
  /// The name of this file type in messages.
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
