// SPDX-License-Identifier: MIT

import Foundation
import SystemPackage

/// Where `make test` has put things.
enum Place {
  /// The downloads.
  static let cache: FilePath = {
    let environment = ProcessInfo.processInfo.environment
    let base = environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
    return FilePath(base).appending("leafroot")
  }()

  /// A kernel by its name, one of those that `make kernel` has built or one of Debian's.
  static func kernel(_ name: String) -> FilePath {
    let isOurs = name.contains("mage-") || name.hasPrefix("linux-")
    return isOurs
      ? root.appending("build/kernel/\(name)") : cache.appending("kernels/\(name)/vmlinuz")
  }

  /// A module of one of Debian's kernels.
  static func module(_ name: String, of kernel: String) -> FilePath {
    cache.appending("kernels/\(kernel)/modules/\(name).ko")
  }

  /// The kit's, linked statically.
  static let busybox = cache.appending("kit/demo/tree/kit/bin/busybox")

  /// The package.
  static let root = FilePath(#filePath).removingLastComponent().removingLastComponent()
    .removingLastComponent()

  /// The tool that `make build` leaves.
  static let tool: FilePath = root.appending("build/bin/leafroot")

  /// The built programs of the guest.
  static let library: FilePath = {
    if let given = ProcessInfo.processInfo.environment["LEAFROOT_LIB"] { return FilePath(given) }
    return root.appending("build/lib/leafroot")
  }()

  /// What takes the census of a tree.
  static let census = root.appending("build/test/census")
  /// Tests/GuestUnpack, built for the guest.
  static let guestUnpack = root.appending("build/test/guest-unpack")
}

/// A file's content.
func bytes(of path: FilePath) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(filePath: path.string)))
}
