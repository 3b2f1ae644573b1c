// SPDX-License-Identifier: MIT

import CLinux
import Initramfs
import Newc
import Tree

/// The files of the kernel's built-in archive, present while an image is unpacked: the image may
/// put files into /dev and /root without a record of these directories.
struct BuiltInFiles {
  private let root: Int32

  /// The times of untouched files. Records have whole seconds, so no record sets these.
  private static var mark: timespec { timespec(tv_sec: 0, tv_nsec: 1) }

  /// Makes the files in the empty directory that `root` is open on.
  init(in root: Int32, isPrivileged: Bool) throws(UnpackFailure) {
    self.root = root
    var unpacker = Unpacker(DirectoryTree(root, isPrivileged: isPrivileged))
    for entry in BuiltInArchive.entries { _ = try unpacker.apply(entry) }
    try unpacker.finish()
    // Only root may make devices. A fifo is not a regular file either, and also keeps /dev from
    // being removed.
    if unpacker.files.deviceCount > 0 { mkfifoat(root, "dev/console", 0o600) }

    let times = [Self.mark, Self.mark]
    for entry in BuiltInArchive.entries {
      utimensat(root, cName(entry.name), times, 0)
    }
  }

  /// Removes the files that no record has changed, except directories with entries.
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

  /// Removes an untouched entry, keeping the times of its directory.
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

  /// Whether one of the times is still the mark. Making an entry in a directory changes one of
  /// them, reading it the other.
  private func isUntouched(_ status: Status) -> Bool {
    isMark(status.times.0) || isMark(status.times.1)
  }

  private func isMark(_ time: timespec) -> Bool {
    time.tv_sec == Self.mark.tv_sec && time.tv_nsec == Self.mark.tv_nsec
  }
}
