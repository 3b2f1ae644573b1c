// SPDX-License-Identifier: MIT

import Glibc
public import Initramfs
public import SystemPackage

/// A directory that keeps what a boot was made of: initramfs, log.
public struct RunDirectory: Sendable {
  /// The directory.
  public let path: FilePath

  /// A directory that is there already.
  public init(_ path: FilePath) { self.path = path }

  /// Creates one under `$TMPDIR`, else /tmp. mkdtemp(3).
  /// - Throws: ``FileError``.
  public static func temporary() throws(FileError) -> RunDirectory {
    let parent = getenv("TMPDIR").map { FilePath(platformString: $0) } ?? "/tmp"
    let template = parent.appending("leafroot-XXXXXX")
    let created = template.withPlatformString { template -> FilePath? in
      guard let copy = strdup(template) else { return nil }
      defer { free(copy) }
      return mkdtemp(copy).map { FilePath(platformString: $0) }
    }
    guard let created else {
      throw FileError(parent, Errno(rawValue: errno), expected: "a writable directory")
    }
    return RunDirectory(created)
  }

  /// The console's log.
  public var log: FilePath { path.appending("console.log") }
  /// The initramfs, all images in one.
  public var initrd: FilePath { path.appending("initrd.img") }

  /// Removes the files that a run makes here, then the directory if nothing else is in it.
  public func remove() {
    for file in [log, initrd, path.appending("probe.rom")] {
      _ = file.withPlatformString { unlink($0) }
    }
    _ = path.withPlatformString { rmdir($0) }
  }
}
