// SPDX-License-Identifier: MIT

import Foundation
import Packing
import SystemPackage

/// The paths that `make test` sets up.
enum Place {
  /// The directory of downloads.
  static let cache: FilePath = {
    let environment = ProcessInfo.processInfo.environment
    let base = environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
    return FilePath(base).appending("leafroot")
  }()

  /// The kernel `name`, from `make kernel` or from Debian.
  static func kernel(_ name: String) -> FilePath {
    let isOurs = name.contains("mage-") || name.hasPrefix("linux-")
    return isOurs
      ? root.appending("build/kernel/\(name)") : cache.appending("kernels/\(name)/vmlinuz")
  }

  /// A module of a Debian kernel.
  static func module(_ name: String, of kernel: String) -> FilePath {
    cache.appending("kernels/\(kernel)/modules/\(name).ko")
  }

  /// The file with the release of a Debian kernel, as `uname -r` prints it.
  static func release(of kernel: String) -> FilePath {
    cache.appending("kernels/\(kernel)/version")
  }

  /// The kit's statically linked busybox.
  static let busybox = cache.appending("kit/demo/tree/kit/bin/busybox")

  /// The root of the package.
  static let root = FilePath(#filePath).removingLastComponent().removingLastComponent()
    .removingLastComponent()

  /// The tool from `make build`.
  static let tool: FilePath = root.appending("build/bin/leafroot")

  /// The directory of built guest programs.
  static let library: FilePath = {
    if let given = ProcessInfo.processInfo.environment["LEAFROOT_LIB"] { return FilePath(given) }
    return root.appending("build/lib/leafroot")
  }()

  /// The program that takes the census of a tree.
  static let census = root.appending("build/test/census")

  /// The same, for a guest of any architecture.
  static func census(for architecture: Architecture) -> FilePath {
    root.appending("build/test/census.\(architecture)")
  }

  /// Tests/GuestUnpack, built for the guest.
  static let guestUnpack = root.appending("build/test/guest-unpack")
}

/// The content of a file.
func bytes(of path: FilePath) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(filePath: path.string)))
}
