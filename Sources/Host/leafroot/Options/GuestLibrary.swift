// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import Glibc
import Packing
import SystemPackage

/// The directory of the built programs for the guest.
struct GuestLibrary: ParsableArguments {
  @Option(
    name: .customLong("init"),
    help: ArgumentHelp(
      "The built leafroot-init. (default: leafroot-init.ARCH in $LEAFROOT_LIB, or in "
        + "../lib/leafroot, relative to the directory of this tool)", valueName: "file"),
    completion: .file(), transform: { FilePath($0) })
  var program: FilePath?

  /// Reads the program for `architecture`.
  /// - Throws: `FileError` if it does not exist, or is not for `architecture`.
  func program(for architecture: Architecture) throws(FileError) -> GuestInit {
    guard let program else {
      return try GuestLibrary.program("leafroot-init", for: architecture, " with --init or")
    }
    return try GuestInit(program, for: architecture)
  }

  /// Reads the program `name` for `architecture` in the directory of the built programs.
  /// - Parameter option: Another way to name the program, for the error.
  static func program(
    _ name: String, for architecture: Architecture, _ option: String = " with"
  ) throws(FileError) -> GuestInit {
    let path = Installation.library.appending("\(name).\(architecture)")
    guard access(path.string, F_OK) == 0 else {
      throw FileError(path, "no such file; specify the built \(name)\(option) LEAFROOT_LIB")
    }
    return try GuestInit(path, for: architecture)
  }
}
