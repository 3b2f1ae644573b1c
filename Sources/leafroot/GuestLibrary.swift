// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import Glibc
import Initramfs
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
    let path = program ?? GuestLibrary.directory.appending("leafroot-init.\(architecture)")
    do {
      return try GuestInit(path, for: architecture)
    } catch {
      guard program == nil, access(path.string, F_OK) != 0 else { throw error }
      throw FileError(
        path, "no such file; specify the built leafroot-init with --init or LEAFROOT_LIB")
    }
  }

  private static var directory: FilePath {
    if let directory = getenv("LEAFROOT_LIB") { return FilePath(platformString: directory) }
    return tool.removingLastComponent().removingLastComponent().appending("lib/leafroot")
  }

  /// This tool's own file. proc_pid_exe(5).
  private static var tool: FilePath {
    let link = "/proc/self/exe"
    guard let path = realpath(link, nil) else { return FilePath(link) }
    defer { free(path) }
    return FilePath(platformString: path)
  }
}
