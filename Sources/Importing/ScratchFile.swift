// SPDX-License-Identifier: MIT

package import Files
import Glibc
package import SystemPackage

/// A file without a name, which is gone with this value, or with the process.
package final class ScratchFile {
  private let descriptor: FileDescriptor

  /// - Throws: ``FileError``, about `directory`.
  package init(in directory: FilePath) throws(FileError) {
    descriptor = try FileError.naming(directory, cannot: "create a file in") {
      let mark = String(UInt64.random(in: 0 ... .max), radix: 36)
      let path = directory.appending(".leafroot-\(mark)")
      let descriptor = try FileDescriptor.open(
        path, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec],
        permissions: .ownerReadWrite)
      _ = path.withPlatformString { unlink($0) }
      return descriptor
    }
  }

  deinit { try? descriptor.close() }

  /// Opens it once more; proc_pid_fd(5).
  package var path: FilePath { FilePath("/proc/self/fd/\(descriptor.rawValue)") }

  /// Appends all that `stream` has.
  func write(contentsOf stream: any ByteStream) throws {
    while true {
      let bytes = try stream.next()
      if bytes.isEmpty { return }
      try write(bytes)
    }
  }

  /// Appends `bytes`.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    _ = try FileError.naming(path, cannot: "write") { try descriptor.writeAll(bytes) }
  }
}
