// SPDX-License-Identifier: MIT

public import Files
import Glibc
public import Initramfs
public import SystemPackage
import Tree
public import Unpacking

/// A directory that is filled completely or left unchanged.
public struct OutputDirectory: ~Copyable {
  /// The directory, as the user named it.
  public let path: FilePath
  private let descriptor: Int32
  private let isNew: Bool
  /// The permissions that it had, or that the umask left.
  private let usual: mode_t

  /// Creates the directory, or takes an empty one.
  /// - Throws: ``FileError``.
  public init(_ path: FilePath) throws(FileError) {
    let isNew = path.withPlatformString { mkdir($0, 0o777) } == 0
    if !isNew, errno != EEXIST {
      throw FileError(path, cannot: "create directory", Errno(rawValue: errno))
    }
    let descriptor = path.withPlatformString { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard descriptor >= 0 else {
      throw FileError(path, cannot: "open", Errno(rawValue: errno))
    }
    var status = stat()
    fstat(descriptor, &status)
    do throws(FileError) {
      if !isNew { try OutputDirectory.refuseUnlessEmpty(descriptor, path) }
    } catch {
      close(descriptor)
      throw error
    }
    self.path = path
    self.descriptor = descriptor
    self.isNew = isNew
    usual = status.st_mode & 0o7777
  }

  deinit { close(descriptor) }

  private static func refuseUnlessEmpty(
    _ descriptor: Int32, _ path: FilePath
  ) throws(FileError) {
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard let stream = fdopendir(copy) else {
      let code = errno
      close(copy)
      throw FileError(path, cannot: "read", Errno(rawValue: code))
    }
    defer { closedir(stream) }
    var count = 0
    while readdir(stream) != nil { count += 1 }
    guard count <= 2 else {
      throw FileError(path, "directory is not empty")
    }
  }

  /// Unpacks `source` into it.
  ///
  /// - Throws: ``FileError`` if a file cannot be made; the source's read error. The directory is
  ///   then restored. Data that the kernel would refuse is not an error but an
  ///   ``ImageSummary/refusal``; what precedes it is unpacked.
  public consuming func fill<Source: ImageSource & ~Copyable>(
    from source: consuming Source, by unpacker: DirectoryUnpacker = DirectoryUnpacker()
  ) throws -> DirectoryUnpacker.Summary {
    do throws(DirectoryUnpacker.Failure<Source.Failure>) {
      return try unpacker.run(source, into: descriptor)
    } catch {
      remove()
      switch error {
      case .source(let failure): throw failure
      case .tree(let failure): throw FileError(failure, below: path)
      }
    }
  }

  /// Removes everything that was made.
  private func remove() {
    fchmod(descriptor, 0o700)
    try? empty(descriptor)
    if isNew {
      _ = path.withPlatformString { rmdir($0) }
    } else {
      fchmod(descriptor, usual)
    }
  }
}

extension FileError {
  fileprivate init(_ failure: UnpackFailure, below path: FilePath) {
    let name = path.appending(String(decoding: failure.name, as: UTF8.self))
    self.init(name, cannot: failure.step.act, Errno(rawValue: failure.code))
  }
}

extension UnpackStep {
  /// The purpose of the call, for errors.
  fileprivate var act: String {
    switch self {
    case .open: "create"
    case .mkdir: "create directory"
    case .symlink: "create symbolic link"
    case .link: "create hard link"
    case .mknod: "create special file"
    case .remove: "remove"
    case .truncate: "set size of"
    case .chown: "set owner of"
    case .chmod: "set mode of"
    case .utime: "set times of"
    case .setxattr: "set extended attributes of"
    case .stat: "stat"
    case .write: "write"
    case .type, .memory: "unpack"
    }
  }
}
