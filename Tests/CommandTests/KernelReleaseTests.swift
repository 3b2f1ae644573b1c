// SPDX-License-Identifier: MIT

import Foundation
import OddImages
import TestSupport
import Testing

/// `inspect --kernel`: the kernel that is to boot the image.
@Suite struct KernelReleaseTests {
  private let directory: TemporaryDirectory
  private let leafroot: Tool

  init() throws {
    directory = try TemporaryDirectory()
    leafroot = Tool(in: directory)
    try directory.file("summed", archive([.file("init", "x", 0o755).summed]))
    try directory.file("digit", archive([.file("x").with { $0.overlay = [6: "0x000001"] }]))
  }

  private static let release = "5.10.0-32-cloud-amd64 (someone@debian) #1 SMP Debian 5.10.223-1"

  @Test func `inspect tells what the kernel that is named does, unpack does it`() throws {
    try directory.file("vmlinuz", x86Kernel(release: Self.release))
    let old = try leafroot("inspect", "--kernel", "vmlinuz", "summed")
    #expect(old.status == 1)
    #expect(old.output.contains("\nkernel\tLinux 5.10.223\n"))
    #expect(old.output.contains("error\toffset 0: found '070702', expected 070701; the kernel"))
    let new = try leafroot("inspect", "--kernel", "6.1", "summed")
    #expect(new.status == 0)
    #expect(new.output.contains("\nkernel\tLinux 6.1\n"))

    #expect(try leafroot("inspect", "--list", "digit").status == 1)
    #expect(try leafroot("inspect", "--list", "--kernel", "6.18", "digit").status == 0)
    #expect(try leafroot("unpack", "digit", "new").status == 1)
    #expect(try leafroot("unpack", "--kernel", "6.12.117", "digit", "old").status == 0)

    let json = try leafroot("inspect", "--json", "--kernel", "6.12.117", "summed").bytes
    let object = try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any]
    #expect(object?["kernel"] as? String == "6.12.117")
  }

  @Test func `a configuration tells the version of its kernel, too`() throws {
    let text =
      "#\n# Linux/x86 5.10.223 Kernel Configuration\nCONFIG_BLK_DEV_INITRD=y\nCONFIG_TMPFS=y\n"
    try directory.file("config", Array(text.utf8))
    let result = try leafroot("inspect", "--kernel-config", "config", "summed")
    #expect(result.output.contains("\nkernel\tLinux 5.10.223\n"))
    // Before the option came, times were always kept.
    #expect(!result.output.contains("PRESERVE_MTIME"))
    let newer = text.replacing("5.10.223", with: "6.1.192")
    try directory.file("config", Array(newer.utf8))
    let twin = try leafroot("inspect", "--kernel-config", "config", "summed")
    #expect(twin.output.contains("CONFIG_INITRAMFS_PRESERVE_MTIME is not set in config"))
  }

  @Test func `a kernel that is not there gives 2`() throws {
    let result = try leafroot("inspect", "--kernel", "none", "summed")
    #expect(result.status == 2)
    #expect(result.errors == "leafroot: cannot open none: no such file or directory\n")
  }
}
