// SPDX-License-Identifier: MIT

import ArgumentParser
import SystemPackage

/// The files that a boot leaves behind.
struct RunFiles: ParsableArguments {
  @Option(
    help: ArgumentHelp("Write the console log to this file, and keep it.", valueName: "file"),
    completion: .file(), transform: { FilePath($0) })
  var log: FilePath?

  @Flag(help: "Keep the booted initramfs and the log after success, too.")
  var keep = false
}
