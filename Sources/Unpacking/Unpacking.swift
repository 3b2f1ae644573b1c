// SPDX-License-Identifier: MIT

import Glibc
public import Initramfs
public import SystemPackage
import Tree

/// Unpacks an image into a directory: what the kernel would make of it in rootfs.
///
/// One thread reads and decodes, another makes the files.
public struct Unpacking: Sendable {
  /// What was done.
  public struct Summary: Equatable, Sendable {
    /// Files, directories and the like, as often as the image has them.
    public var entries = 0
    /// Bytes of content.
    public var bytes: Int64 = 0
    /// What the kernel would not have made either: the first few, in words.
    public var losses: [String] = []
    /// How many of these.
    public var lossCount = 0
    /// Device nodes that only root may make.
    public var deviceCount = 0
    /// Entries whose owner is not known in this user namespace.
    public var ownerCount = 0
    /// What the image is. What comes before the place where the kernel would stop is unpacked.
    public var reading = Reading()
  }

  /// How it reads, and for which kernel.
  public var reader = ImageReader()
  /// Whether owners are set and devices are made. Default: for root.
  public var isPrivileged = geteuid() == 0

  public init() {}

  /// Unpacks `source` into the directory at `path`, which is made unless it is there and empty.
  ///
  /// - Throws: ``FileError`` where a file cannot be read or made, `CancellationError` if the task
  ///   was cancelled. `path` is as it was then. What the kernel would refuse is no error but
  ///   a ``Reading/refusal``; what it would have unpacked before is there.
  public func run(
    _ source: borrowing some ByteSource & ~Copyable, into path: FilePath
  ) throws -> Summary {
    let root = try UnpackingRoot(path)
    do {
      let summary = try fill(root, from: source)
      try root.commit()
      return summary
    } catch {
      root.remove()
      throw error
    }
  }

  private func fill(
    _ root: borrowing UnpackingRoot, from source: borrowing some ByteSource & ~Copyable
  ) throws -> Summary {
    let unpacker = Unpacker(into: root.descriptor, isPrivileged: isPrivileged)
    let writer = TreeWriter(unpacker, path: root.path)
    var visitor = UnpackingVisitor(writer: writer)
    // Nobody may make files any more when this returns.
    defer { writer.wait() }
    let reading = try reader.read(source, visiting: &visitor)
    try visitor.flush()
    try writer.finish()

    var summary = visitor.summary
    summary.losses = unpacker.losses.map { $0.text }
    summary.lossCount = unpacker.lossCount
    summary.deviceCount = unpacker.deviceCount
    summary.ownerCount = unpacker.ownerCount
    summary.reading = reading
    return summary
  }
}

extension Unpacker.Loss {
  fileprivate var text: String {
    "\(quoted(name)): \(Errno(rawValue: code).reason)"
  }
}

/// The directory that is filled.
private struct UnpackingRoot: ~Copyable {
  let path: FilePath
  let descriptor: Int32
  private let isNew: Bool
  /// The permissions that the umask leaves.
  private let usual: mode_t

  /// Nobody else is let in until all is there. The sticky bit tells whether the image has set them.
  private static let permissions: mode_t = 0o1700

  /// Makes the directory, or takes one that is empty.
  init(_ path: FilePath) throws(FileError) {
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
    if isNew { fchmod(descriptor, UnpackingRoot.permissions) }
    do throws(FileError) {
      if !isNew { try UnpackingRoot.refuseUnlessEmpty(descriptor, path) }
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

  /// Lets others in, unless the image has its own idea of the root's permissions.
  func commit() throws(FileError) {
    guard isNew else { return }
    var status = stat()
    if fstat(descriptor, &status) == 0, status.st_mode & 0o7777 == UnpackingRoot.permissions {
      fchmod(descriptor, usual)
    }
  }

  /// Leaves nothing behind.
  func remove() {
    fchmod(descriptor, 0o700)
    try? empty(descriptor)
    if isNew { _ = path.withPlatformString { rmdir($0) } }
  }
}
