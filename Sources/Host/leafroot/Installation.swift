// SPDX-License-Identifier: MIT

import Glibc
import SystemPackage

/// The locations of files installed with the tool.
enum Installation {
  /// The directory of the built programs for the guest.
  static var library: FilePath { directory("LEAFROOT_LIB", "lib/leafroot") }

  /// The script that fetches kernels.
  static var fetchKernels: FilePath {
    directory("LEAFROOT_LIBEXEC", "libexec/leafroot").appending("fetch-kernels")
  }

  /// The directory that the environment names, or `name` beside the tool's own directory.
  private static func directory(_ variable: String, _ name: FilePath) -> FilePath {
    if let directory = getenv(variable) { return FilePath(platformString: directory) }
    return tool.removingLastComponent().removingLastComponent().appending(name.components)
  }

  /// The path of this tool. proc_pid_exe(5).
  private static var tool: FilePath {
    let link = "/proc/self/exe"
    guard let path = realpath(link, nil) else { return FilePath(link) }
    defer { free(path) }
    return FilePath(platformString: path)
  }
}
