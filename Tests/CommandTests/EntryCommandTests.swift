// SPDX-License-Identifier: MIT

import OddImages
import TestSupport
import Testing

/// `leafroot entry`, run as people run it.
@Suite struct EntryCommandTests {
  private let directory: TemporaryDirectory
  private let entry: Tool
  private let image = archive([.file("init", "#!", 0o755), .file("data", "content")])

  init() throws {
    directory = try TemporaryDirectory()
    entry = Tool(in: directory, "entry")
    try directory.file("image", image)
    try directory.file("leaf", archive([.file("leafroot", "program", 0o755)]))
  }

  @Test func `entry prints what the loader gets, and nothing else`() throws {
    let result = try entry(
      "leaf", "image", "--for", "extlinux", "--kernel", "../vmlinuz-6", "--prefix", "boot",
      "--append", "quiet", "--title", "A leaf")
    #expect(result.status == 0)
    #expect(result.errors == "")
    #expect(
      result.output == """
        # A leaf
        # memory: at least 76 MiB
        # kexec, kdump: if another image boots with these parameters, append rdinit=/init
        LABEL leafroot
          MENU LABEL A leaf
          LINUX ../vmlinuz-6
          INITRD boot/leaf,boot/image
          APPEND rdinit=/leafroot nonroot_initramfs quiet

        """)
  }

  @Test(arguments: [
    "ipxe", "grub", "systemd-boot", "extlinux", "pxelinux", "uki", "qemu", "kexec",
  ])
  func `each loader has a name`(loader: String) throws {
    let result = try entry("leaf", "image", "--for", loader)
    #expect(result.status == 0)
    #expect(result.output.contains("rdinit=/leafroot nonroot_initramfs"))
  }

  @Test func `an image without PID 1 gives 2, and the ways to add it`() throws {
    let result = try entry("image", "--for", "grub")
    #expect(result.status == 2)
    #expect(result.output == "")
    #expect(
      result.errors == """
        leafroot: image: is neither wrapped nor packed: use 'leafroot wrap' or 'pack', load the \
        segment of 'leafroot wrap --segment' before it, or use --kernel-leaf if the kernel makes \
        the leaf

        """)
    let kernel = try entry("image", "--for", "grub", "--kernel-leaf")
    #expect(kernel.status == 0)
    #expect(kernel.output.contains("linux /vmlinuz nonroot_initramfs\n"))
  }

  @Test func `a damaged image gives 1, a warning, and the entry`() throws {
    try directory.file("broken", Array(image.dropLast(150)))
    let result = try entry("leaf", "broken", "--for", "grub")
    #expect(result.status == 1)
    #expect(
      result.errors.hasPrefix("leafroot: warning: broken: offset \(image.count - 150): found "))
    #expect(result.output.contains("initrd /leaf /broken\n"))
  }

  @Test func `what the loader cannot be told, and what there is not, gives 64 or 2`() throws {
    let words = try entry("leaf", "image", "--for", "ipxe", "--append", "a && b")
    #expect(words.status == 64)
    #expect(words.errors.hasPrefix("Error: iPXE ends a command at the word '&&'\n"))
    #expect(try entry("leaf", "image", "--for", "lilo").status == 64)
    #expect(try entry("leaf", "image").status == 64)
    #expect(try entry("leaf", "none", "--for", "grub").status == 2)
  }
}
