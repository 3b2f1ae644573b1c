// SPDX-License-Identifier: MIT

import CLinux
import Initramfs
import Newc
import Tree

/// The files of the kernel's built-in archive, as long as an image is unpacked: it may put files
/// into /dev and /root without a record of these directories.
struct BuiltInFiles {
  private let root: Int32

  /// Their times until a record changes them: records have whole seconds.
  private static var mark: timespec { timespec(tv_sec: 0, tv_nsec: 1) }

  /// Makes them in the empty directory that `root` is open on.
  init(in root: Int32, isPrivileged: Bool) throws(UnpackFailure) {
    self.root = root
    var unpacker = Unpacker(DirectoryTree(root, isPrivileged: isPrivileged))
    for entry in BuiltInArchive.entries { _ = try unpacker.apply(entry) }
    try unpacker.finish()
    // Only root makes devices. A fifo is no regular file either, and also keeps /dev from being
    // removed.
    if unpacker.files.deviceCount > 0 { mkfifoat(root, "dev/console", 0o600) }

    let times = [Self.mark, Self.mark]
    for entry in BuiltInArchive.entries {
      utimensat(root, entry.name.map { CChar(bitPattern: $0) } + [0], times, 0)
    }
  }

  /// Removes those that no record has changed, unless something is in them.
  func removeUntouched() {
    // A record may have put a symbolic link in its place.
    let dev = linux_openat(root, "dev", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
    if dev >= 0 {
      remove("console", in: dev)
      closeQuietly(dev)
    }
    remove("dev", in: root)
    remove("root", in: root)
  }

  /// The directory that it is in keeps its times.
  private func remove(_ name: StaticString, in directory: Int32) {
    name.withUTF8Buffer {
      $0.withMemoryRebound(to: CChar.self) { name in
        guard let name = name.baseAddress, let parent = try? Status(of: directory),
          let status = try? Status(of: name, in: directory), isUntouched(status)
        else { return }
        unlinkat(directory, name, status.isDirectory ? AT_REMOVEDIR : 0)
        let times = [parent.times.0, parent.times.1]
        futimens(directory, times)
      }
    }
  }

  /// What is made in a directory changes one of its times, who reads it the other one.
  private func isUntouched(_ status: Status) -> Bool {
    isMark(status.times.0) || isMark(status.times.1)
  }

  private func isMark(_ time: timespec) -> Bool {
    time.tv_sec == Self.mark.tv_sec && time.tv_nsec == Self.mark.tv_nsec
  }
}
