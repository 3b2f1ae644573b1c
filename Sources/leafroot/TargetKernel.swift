// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import Initramfs
import Machine
import SystemPackage

/// The kernel that is to boot an image.
struct TargetKernel: ParsableArguments {
  @Option(
    name: .customLong("kernel"),
    help: ArgumentHelp(
      "The kernel to boot: a file, or a version in the format of uname -r. (default: the newest)",
      valueName: "vmlinuz|version"), completion: .file())
  var kernel: String?

  /// Its version; nil if `--kernel` is not given.
  /// - Throws: `FileError` if the file has none.
  func version() throws(FileError) -> KernelVersion? {
    guard let kernel else { return nil }
    if !kernel.utf8.contains(UInt8(ascii: "/")), let version = KernelVersion(kernel) {
      return version
    }
    return try Kernel(FilePath(kernel)).version()
  }

  /// How it reads an image.
  func rules() throws(FileError) -> KernelRules {
    try version().map(KernelRules.init) ?? KernelRules()
  }
}
