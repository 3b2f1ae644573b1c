// SPDX-License-Identifier: MIT

import Glibc
public import SystemPackage

/// A file that appears whole or not at all; `-` is standard output.
///
/// Bytes go to a temporary file beside the target, which ``commit(permissions:)`` renames to the
/// target. On any error or cancellation before that, the target is unchanged and the temporary file
/// is removed.
public struct OutputFile: ~Copyable {
  /// The target, as the user named it.
  public let path: FilePath

  private let target: FilePath
  /// nil for standard output, where writes cannot be undone.
  private let temporary: FilePath?
  private let descriptor: FileDescriptor
  private var isCommitted = false

  /// Creates the temporary file beside `path`, or beside its target if it is a symbolic link.
  /// - Throws: ``FileError`` if `path` exists and is not a regular file, or its directory is not
  ///   writable. open(2) with O_EXCL.
  public init(_ path: FilePath) throws(FileError) {
    let opened = path == "-" ? nil : try OutputFile.create(beside: path)
    self.path = path
    temporary = opened?.temporary
    target = opened?.target ?? path
    descriptor = opened?.descriptor ?? .standardOutput
  }

  /// Standard output, which errors call `-`; unbuffered.
  public static var standardOutput: OutputFile { OutputFile() }

  private init() {
    (path, target, temporary, descriptor) = ("-", "-", nil, .standardOutput)
  }

  private static func create(
    beside path: FilePath
  ) throws(FileError) -> (target: FilePath, temporary: FilePath, descriptor: FileDescriptor) {
    let target = try OutputFile.target(of: path)
    let temporary = target.removingLastComponent().appending(temporaryName())
    let descriptor = try FileError.naming(path, cannot: "create") {
      try FileDescriptor.open(
        temporary, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
        permissions: .ownerReadWrite)
    }
    return (target, temporary, descriptor)
  }

  private static let temporaryPrefix = ".leafroot-"

  /// A name for a file that is unfinished or will be unlinked.
  static func temporaryName() -> String {
    temporaryPrefix + String(UInt64.random(in: 0 ... .max), radix: 36)
  }

  /// Whether `name` is that of an unfinished output file, of this process or of one that was
  /// killed.
  package static func isTemporary(_ name: String) -> Bool {
    name.hasPrefix(temporaryPrefix)
      && (1...13).contains(name.utf8.count - temporaryPrefix.utf8.count)
      && name.utf8.dropFirst(temporaryPrefix.utf8.count).allSatisfy {
        (0x30...0x39).contains($0) || (0x61...0x7A).contains($0)
      }
  }

  deinit {
    guard let temporary else { return }
    try? descriptor.close()
    if !isCommitted { _ = temporary.withPlatformString { unlink($0) } }
  }

  /// Writes `bytes` to the new file `path`, mode 0644.
  /// - Throws: ``FileError``; `path` is then unchanged.
  public static func write(_ bytes: [UInt8], to path: FilePath) throws(FileError) {
    let file = try OutputFile(path)
    try file.write(bytes)
    try file.commit(permissions: [.ownerReadWrite, .groupRead, .otherRead])
  }

  /// Appends `bytes`. write(2).
  public func write(_ bytes: [UInt8]) throws(FileError) {
    _ = try FileError.naming(path, cannot: "write") {
      try descriptor.writeAll(bytes)
    }
  }

  /// Replaces bytes that were already written. pwrite(2).
  public func overwrite(_ bytes: [UInt8], at offset: Int64) throws(FileError) {
    _ = try FileError.naming(path, cannot: "write") {
      try descriptor.writeAll(toAbsoluteOffset: offset, bytes)
    }
  }

  /// Sets the permission bits and renames the file to its target. fchmod(2), fsync(2), rename(2).
  public consuming func commit(permissions: FilePermissions) throws(FileError) {
    guard let temporary else { return }
    try call { fchmod(descriptor.rawValue, permissions.rawValue) }
    // The bytes must become durable before the name: otherwise a crash could leave an empty image.
    try call { fsync(descriptor.rawValue) }
    let (from, to) = (temporary, target)
    try call { from.withPlatformString { from in to.withPlatformString { rename(from, $0) } } }
    isCommitted = true
  }

  private func call(_ body: () -> CInt) throws(FileError) {
    guard body() == 0 else {
      throw FileError(path, cannot: "write", Errno(rawValue: errno))
    }
  }

  /// Resolves symbolic links, so that `initrd.img -> initrd.img-6.1` stays a link. realpath(3).
  package static func target(of path: FilePath) throws(FileError) -> FilePath {
    guard let status = try? path.stat(followTargetSymlink: true) else { return path }
    guard status.type == .regular else {
      throw FileError(path, "is \(status.type.name), not a regular file")
    }
    guard let resolved = path.withPlatformString({ realpath($0, nil) }) else {
      throw FileError(path, cannot: "resolve", Errno(rawValue: errno))
    }
    defer { free(resolved) }
    return FilePath(platformString: resolved)
  }
}
