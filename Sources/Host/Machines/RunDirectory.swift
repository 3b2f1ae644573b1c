// SPDX-License-Identifier: MIT

public import Files
import Glibc
public import SystemPackage

/// The directory for the files of a boot: initramfs, log.
public struct RunDirectory: Sendable {
  /// The path of the directory.
  public let path: FilePath

  /// The number of kept directories that remain; see ``keep()``.
  public static let keptLimit = 5

  private static let prefix = "leafroot-"
  private static let mark = "kept"

  /// Creates a directory in `$TMPDIR` or /tmp. mkdtemp(3).
  /// - Throws: ``FileError``.
  public static func temporary() throws(FileError) -> RunDirectory {
    let parent = getenv("TMPDIR").map { FilePath(platformString: $0) } ?? "/tmp"
    let template = parent.appending("\(prefix)XXXXXX")
    let created = template.withPlatformString { template -> FilePath? in
      guard let copy = strdup(template) else { return nil }
      defer { free(copy) }
      return mkdtemp(copy).map { FilePath(platformString: $0) }
    }
    guard let created else {
      throw FileError(template, cannot: "create directory", Errno(rawValue: errno))
    }
    return RunDirectory(path: created)
  }

  /// The console's log.
  public var log: FilePath { path.appending("console.log") }
  /// The console while it is relayed: QEMU's `pipe`.
  var console: FilePath { path.appending("console") }
  /// The initramfs: all images in one file.
  public var initrd: FilePath { path.appending("initrd.img") }
  /// The kernel, if it is extracted from another file.
  var kernel: FilePath { path.appending("kernel") }

  /// Removes the files in the directory, then the directory.
  public func remove() {
    for name in RunDirectory.names(in: path) {
      _ = path.appending(name).withPlatformString { unlink($0) }
    }
    _ = path.withPlatformString { rmdir($0) }
  }

  /// Keeps the directory for inspection, and removes all but the newest kept ones. A mark tells
  /// them from the directories of running boots.
  public func keep() {
    let mark = path.appending(RunDirectory.mark)
    let descriptor = mark.withPlatformString { open($0, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600) }
    if descriptor >= 0 { close(descriptor) }

    let parent = path.removingLastComponent()
    let kept = RunDirectory.names(in: parent).filter { $0.hasPrefix(RunDirectory.prefix) }
      .map { RunDirectory(path: parent.appending($0)) }
      .compactMap { directory in directory.markTime.map { (directory, $0) } }
      .sorted { $0.1 > $1.1 }
    for (directory, _) in kept.dropFirst(RunDirectory.keptLimit) where directory.path != path {
      directory.remove()
    }
  }

  /// When the directory was marked, in nanoseconds since 1970; nil if it is not one of our kept
  /// directories. lstat(2).
  private var markTime: Int? {
    var status = stat()
    guard path.withPlatformString({ lstat($0, &status) }) == 0,
      status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(),
      path.appending(RunDirectory.mark).withPlatformString({ lstat($0, &status) }) == 0,
      status.st_mode & S_IFMT == S_IFREG
    else { return nil }
    return status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
  }

  /// The names in the directory at `path`. readdir(3).
  private static func names(in path: FilePath) -> [String] {
    guard let stream = path.withPlatformString({ opendir($0) }) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
