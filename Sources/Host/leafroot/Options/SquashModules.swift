// SPDX-License-Identifier: MIT

import Files
import Importing
import Machines
import Packing
import SystemPackage

/// The kernel modules for `pack --squash`.
struct SquashModules: Sendable {
  /// What the user named: directories, or kernels of Debian.
  let names: [String]

  /// Finds the modules that the user named.
  /// - Throws: ``FileError``; `CancellationError`.
  func given(for architecture: Architecture) async throws -> KernelModules.Found {
    var found = KernelModules.Found()
    for name in names {
      var directory = FilePath(name)
      if try DebianKernel(name, for: architecture) != nil {
        let kernel = try await KernelName(text: name).file(for: architecture)
        directory = kernel.removingLastComponent().appending("modules")
      }
      found.add(try KernelModules.find(inDirectory: directory))
    }
    return found
  }

  /// Finds those in `tree`, too; those that the user named go first.
  /// - Parameter source: The tree's name in errors.
  /// - Throws: ``FileError`` if no kernel has all parts; `CancellationError`.
  static func find(
    in tree: any TreeSource, _ given: KernelModules.Found, from source: FilePath
  ) throws -> KernelModules.Found {
    var found = try KernelModules.find(in: tree, from: source)
    found.add(given)
    guard !found.kernels.isEmpty else {
      let parts = KernelModules.parts.joined(separator: ", ")
      let lacking = found.incomplete.map { incomplete($0.release, $0.missing) }
        .joined(separator: "; ")
      throw FileError(
        source,
        (lacking.isEmpty ? "has no kernel modules in /lib/modules" : lacking)
          + ": --squash needs \(parts); name a directory with those of the kernel that will boot, "
          + "as --modules /lib/modules or --modules debian:6.12")
    }
    return found
  }

  /// What a kernel lacks.
  static func incomplete(_ release: String, _ missing: [String]) -> String {
    "Linux \(release) has no module \(missing.joined(separator: ", "))"
  }
}
