// SPDX-License-Identifier: MIT

import ArgumentParser
import BootEntries
import Images
import Machines
import Packing
import SystemPackage

/// `leafroot entry`: prints a boot loader's configuration.
struct PrintEntry: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "entry",
    abstract: "Print a boot loader's entry for images.",
    discussion: """
      The entry has the kernel parameters that request the leaf, and the images in the order \
      given. entry reads the images to find out whether they are wrapped, packed, a leaf segment \
      and plain images, or made with a hook, and how much memory they need. An image after the \
      segment of nest is the payload: iPXE and GRUB make a file of it, so that it stays as it is \
      on the server.

      The loader finds each image, under its own name, in PREFIX, a directory or URL as the loader \
      sees it. Without --prefix that is the root directory for grub and systemd-boot, and the \
      place of the configuration for ipxe, extlinux and pxelinux. For uki, qemu and kexec, which \
      print commands for sh(1), it is IMAGE itself. PREFIX, and PATH of --kernel, may contain \
      variables of iPXE and GRUB.

      For an image without PID 1, entry is an error, unless --kernel-leaf is given. If the kernel \
      is a file here, and a squashed image has no modules for it, entry prints a warning.

      Exit status: 0 success; 1 IMAGE is damaged, the entry is printed; 2 failure; 64 usage \
      error, or the loader has no way to write a name or parameter; 128 + N ended by signal N.
      """)

  @Argument(
    help: "The images, in the order in which the boot loader loads them.", completion: .file(),
    transform: { FilePath($0) })
  var images: [FilePath]

  @Option(name: .customLong("for"), help: ArgumentHelp("The boot loader.", valueName: "loader"))
  var loader: Loader

  @Option(
    help: ArgumentHelp(
      "The kernel, as the loader sees it. (default: vmlinuz, beside the images)",
      valueName: "path"))
  var kernel: String?

  @Option(
    help: ArgumentHelp(
      "The directory or URL of the images, as the loader sees it.", valueName: "prefix"))
  var prefix: String?

  @Option(
    help: ArgumentHelp("Append parameters to the kernel command line.", valueName: "parameters"))
  var append = ""

  @Option(help: "The title in the loader's menu.")
  var title = "LeafRoot"

  @Flag(help: "The kernel makes the leaf itself; the images need no PID 1.")
  var kernelLeaf = false

  func validate() throws {
    if images.contains("-") {
      throw ValidationError("entry needs the files that the boot loader loads, not standard input.")
    }
  }

  func run() async throws {
    try await asVerb {
      do {
        let images = try LoadedImages(self.images)
        let text = try text(for: images)
        for error in images.damage { standardError("leafroot: warning: \(error)\n") }
        try Output.print(Array(text.utf8))
        return images.damage.isEmpty ? 0 : 1
      } catch let error as EntryError {
        throw ValidationError("\(error)")
      }
    }
  }

  private func text(for images: LoadedImages) throws -> String {
    var entry = try BootEntry(
      images, for: loader, kernel: kernel, prefix: prefix, append: append, title: title,
      isKernelLeaf: kernelLeaf)
    let file = try? Kernel(FilePath(entry.kernel))
    // Only QEMU's command depends on the architecture.
    entry.architecture = file?.architecture ?? .host
    if let file { try PackedSquashfs.warn(of: file, images.squash, images.files[0].path) }
    return try loader.text(entry)
  }
}
