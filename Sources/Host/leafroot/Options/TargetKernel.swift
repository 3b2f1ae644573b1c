// SPDX-License-Identifier: MIT

import ArgumentParser
import Initramfs
import Machines
import SystemPackage

/// The kernel that will boot an image.
struct TargetKernel: ParsableArguments {
  @Option(
    name: .customLong("kernel"),
    help: ArgumentHelp(
      "The kernel to boot: a file, a version in the format of uname -r, or debian:SERIES. "
        + "(default: the newest)",
      valueName: "kernel"), completion: .file())
  var kernel: String?

  /// The kernel's version; nil if `--kernel` is not given.
  /// - Throws: `FileError` if the file has none, or cannot be fetched; `CancellationError`.
  func version() async throws -> KernelVersion? {
    guard let kernel else { return nil }
    if !kernel.utf8.contains(UInt8(ascii: "/")), let version = KernelVersion(kernel) {
      return version
    }
    return try await KernelName(text: kernel).kernel(for: nil).version()
  }
}
