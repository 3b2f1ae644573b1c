// SPDX-License-Identifier: MIT

import Glibc
package import SystemPackage

/// A file without a name, removed with this value or with the process.
package struct ScratchFile: ~Copyable {
  private let directory: FilePath
  private let descriptor: FileDescriptor

  /// The directory for large temporary files: `$TMPDIR`, or else /var/tmp, which is on disk even
  /// when /tmp is in memory. file-hierarchy(7).
  package static var usualDirectory: FilePath {
    getenv("TMPDIR").map { FilePath(platformString: $0) } ?? "/var/tmp"
  }

  /// - Throws: ``FileError`` about `directory`.
  package init(in directory: FilePath) throws(FileError) {
    self.directory = directory
    descriptor = try FileError.naming(directory, cannot: "create a file in") {
      let path = directory.appending(OutputFile.temporaryName())
      let descriptor = try FileDescriptor.open(
        path, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec],
        permissions: .ownerReadWrite)
      _ = path.withPlatformString { unlink($0) }
      return descriptor
    }
  }

  deinit { try? descriptor.close() }

  /// Appends `bytes`.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    _ = try FileError.naming(directory, cannot: "write a file in") {
      try descriptor.writeAll(bytes)
    }
  }

  /// Appends everything up to the end of `stream`, and waits for a fifo that has no writer yet.
  /// - Parameter path: The name of the stream in errors.
  /// - Throws: ``FileError``; `CancellationError`.
  func write(contentsOf stream: FileDescriptor, _ path: FilePath) throws {
    let block = UnsafeMutableRawBufferPointer.allocate(
      byteCount: InputFile.blockSize, alignment: 16)
    defer { block.deallocate() }
    while true {
      try Task.checkCancellation()
      // A signal cancels the task, but does not end a read(2).
      var events = pollfd(fd: stream.rawValue, events: Int16(POLLIN), revents: 0)
      if poll(&events, 1, 200) == 0 { continue }
      do {
        let count = try stream.read(into: block)
        if count == 0 { return }
        try write(UnsafeRawBufferPointer(rebasing: block[..<count]))
      } catch Errno.resourceTemporarilyUnavailable {
        continue
      } catch let error as Errno {
        throw FileError(path, cannot: "read", error)
      }
    }
  }

  /// Returns another descriptor of the file, for a program that writes or reads it.
  /// - Throws: ``FileError``.
  package func duplicate() throws(FileError) -> FileDescriptor {
    try FileError.naming(directory, cannot: "open a file in") { try descriptor.duplicate() }
  }

  /// Returns the file, open for reading.
  /// - Parameters:
  ///   - path: Its name in errors.
  ///   - permissions: Those of the file that its content came from.
  package consuming func reopened(
    as path: FilePath, _ permissions: FilePermissions = .ownerReadWrite
  ) throws(FileError) -> InputFile {
    let copy = try FileError.naming(path, cannot: "open") {
      try descriptor.duplicate()
    }
    return try InputFile(path, copy, permissions)
  }
}
