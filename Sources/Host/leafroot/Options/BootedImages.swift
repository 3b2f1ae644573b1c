// SPDX-License-Identifier: MIT

import ArgumentParser
import Images
import Machines
import Packing
import SystemPackage

/// The images of a boot, and the kernel.
struct BootedImages: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "The images, in the order in which a boot loader loads them.", valueName: "image"),
    completion: .file(), transform: { FilePath($0) })
  var images: [FilePath]

  @Option(
    help: ArgumentHelp(
      "The kernel: a file, or debian:SERIES for one of Debian's, fetched with apt-get.",
      valueName: "kernel"), completion: .file())
  var kernel: String

  /// Opens the images, and prints warnings that concern booting them.
  func open() throws -> [Image] {
    try images.map { path in
      let image = try Image(path: path)
      try image.warnOfConsole()
      return image
    }
  }

  /// - Parameter architecture: The required architecture; nil for any.
  func kernel(for architecture: Architecture?) async throws -> Kernel {
    try await KernelName(text: kernel).kernel(for: architecture)
  }

  /// Prints a warning for each image that `kernel` cannot mount.
  func warn(of kernel: Kernel, _ images: [Image]) throws {
    for image in images {
      try PackedSquashfs.warn(of: kernel, try image.squash(), image.name)
    }
  }
}

extension PackedSquashfs {
  /// Prints a warning if `kernel` cannot mount what is squashed in the image at `path`.
  static func warn(of kernel: Kernel, _ squash: PackedSquashfs?, _ path: FilePath) throws {
    guard let squash, let release = try kernel.release(),
      let complaint = squash.complaint(about: release)
    else { return }
    standardError("leafroot: warning: \(path): \(complaint)\n")
  }
}
