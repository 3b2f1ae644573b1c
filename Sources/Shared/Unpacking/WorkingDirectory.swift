// SPDX-License-Identifier: MIT

import CLinux
import Threads
import Tree

/// The working directory, which all threads of the process share. Before Linux 6.13 xattr calls
/// have no `*at` form, and a symbolic link or a device cannot be opened for them.
enum WorkingDirectory {
  private static let monitor = Monitor()

  /// Makes a call in `directory`, then changes back.
  static func call(
    _ step: StaticString, in directory: Int32, _ body: () -> Int32
  ) throws(Failure) -> Int32 {
    monitor.lock()
    let before = linux_openat(AT_FDCWD, ".", LINUX_O_PATH, 0)
    defer {
      _ = fchdir(before)
      closeQuietly(before)
      monitor.unlock()
    }
    try attempt("fchdir") { fchdir(directory) }
    return try attempt(step, body)
  }
}
