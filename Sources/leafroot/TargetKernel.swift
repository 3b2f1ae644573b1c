// SPDX-License-Identifier: MIT

import ArgumentParser
import Initramfs
import Machine
import SystemPackage

/// The kernel that is to boot an image.
struct TargetKernel: ParsableArguments {
  @Option(
    name: .customLong("kernel"),
    help: ArgumentHelp(
      "The kernel to boot, a file or a version as uname -r prints it. (default: the newest)",
      valueName: "vmlinuz|version"), completion: .file())
  var kernel: String?

  /// Its version; nil if none is named.
  /// - Throws: `FileError` if the file has none.
  func version() throws(FileError) -> KernelVersion? {
    guard let kernel else { return nil }
    if !kernel.utf8.contains(UInt8(ascii: "/")), let version = KernelVersion(kernel) {
      return version
    }
    return try Kernel(FilePath(kernel)).version()
  }

  /// A reader that reads as it does.
  func reader() throws(FileError) -> ImageReader {
    ImageReader(try version().map(KernelRules.init) ?? KernelRules())
  }
}
