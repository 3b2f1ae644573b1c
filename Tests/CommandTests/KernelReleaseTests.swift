// SPDX-License-Identifier: MIT

import Files
import Foundation
import Initramfs
import Machine
import OddImages
import SystemPackage
import TestSupport
import Testing

/// `inspect --kernel`: the kernel that is to boot the image.
@Suite struct KernelReleaseTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try directory.file("summed", archive([.file("init", "x", 0o755).summed]))
    try directory.file("digit", archive([.file("x").with { $0.overlay = [6: "0x000001"] }]))
  }

  private static let release = "5.10.0-32-cloud-amd64 (someone@debian) #1 SMP Debian 5.10.223-1"
  private static let banner = "Linux version %s (%s)\0Linux version 6.1.0-9-arm64 (a@b) (gcc) #1\n"

  /// A header of an x86 kernel, with its version at 0x3000.
  private var bzImage: [UInt8] {
    var bytes = zeros(0x3000) + Array(Self.release.utf8) + zeros(600)
    bytes.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
    (bytes[0x20E], bytes[0x20F]) = (0x00, 0x2E)
    return bytes
  }

  /// An arm64 Image, with the banner across two blocks that are read at once.
  private var image: [UInt8] {
    var bytes = zeros((1 << 20) - 30) + Array(Self.banner.utf8) + zeros(1000)
    bytes.replaceSubrange(0x38..<0x3C, with: Array("ARM\u{64}".utf8))
    return bytes
  }

  /// An EFI zboot with `image` in it.
  private func zboot(_ compressor: Compressor) throws -> [UInt8] {
    var head = zeros(128)
    head.replaceSubrange(0..<2, with: Array("MZ".utf8))
    head.replaceSubrange(4..<8, with: Array("zimg".utf8))
    head[8] = 128
    head[0x3C] = 64
    head.replaceSubrange(64..<70, with: Array("PE".utf8) + [0, 0, 0x64, 0xAA])
    return try head + compressor.compress(image) + zeros(4)
  }

  private func version(_ bytes: [UInt8]) throws -> KernelVersion {
    try Kernel(directory.file("kernel", bytes)).version()
  }

  @Test func `an x86 kernel has its version in its header`() throws {
    #expect(try version(bzImage) == KernelVersion(5, 10, 223))
  }

  @Test func `an arm64 kernel has it in its banner, packed or not`() throws {
    #expect(try version(image) == KernelVersion(6, 1))
    #expect(try version(Compressor.gzip.compress(image)) == KernelVersion(6, 1))
    #expect(try version(zboot(.gzip)) == KernelVersion(6, 1))
    #expect(try version(zboot(.zstd)) == KernelVersion(6, 1))
  }

  @Test func `twin: a kernel without one is an error that says what helps`() throws {
    var bytes = zeros(5000)
    bytes.replaceSubrange(0x38..<0x3C, with: Array("ARM\u{64}".utf8))
    let path = try directory.file("kernel", bytes)
    #expect(
      throws: FileError(
        path, "has no kernel version that can be read; name the version instead")
    ) { try Kernel(path).version() }
  }

  @Test func `inspect tells what the kernel that is named does, unpack does it`() throws {
    try directory.file("vmlinuz", bzImage)
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

  private func leafroot(_ arguments: String...) throws -> Command.Ended {
    try Command([Command.leafroot] + arguments, in: directory.path).run()
  }
}
