// SPDX-License-Identifier: MIT

import Fidelity
import Files
import Images
import Initramfs
import Machines
import OddImages
import Packing
import Samples
import SystemPackage
import TestSupport
import Testing

@Suite struct KernelTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test func `a kernel's architecture is read from its header`() throws {
    #expect(try directory.kernel(.x86).architecture == .x86)
    #expect(try directory.kernel(.arm).architecture == .arm)
    #expect(try directory.kernel(.riscv).architecture == .riscv)
  }

  @Test func `a gzipped kernel is known by the header inside`() throws {
    func packed(_ bytes: [UInt8]) throws -> Kernel {
      // Longer than what is read of it.
      var random = SplitMix(seed: 1)
      let rest = (0..<(1 << 16)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      return try Kernel(directory.file("Image.gz", Compressor.gzip.compress(bytes + rest)))
    }
    #expect(
      try packed(placed("ARM\u{64}", at: 0x38, count: 0x100)).architecture == .arm)
    #expect(
      try packed(placed("RSC\u{5}", at: 0x38, count: 0x100)).architecture == .riscv)
    #expect(throws: FileError.self) { try packed(x86Kernel()) }
    let damaged = try directory.file("Image.gz", [0x1F, 0x8B, 8, 0])
    #expect(throws: FileError.self) { try Kernel(damaged) }
  }

  @Test func `a kernel for another architecture is refused`() throws {
    let path = try directory.kernel(.x86).path
    #expect(
      throws: FileError(path, "is a kernel for x86_64, not for aarch64")
    ) { try Kernel(path, for: .arm) }
  }

  /// An x86-64 ELF file with one note behind its only program header.
  private func vmlinux(owner: String, type: UInt8, _ content: String = "") -> [UInt8] {
    var bytes = elf(count: 200)
    bytes.replaceSubrange(32..<200, with: zeros(168))
    (bytes[32], bytes[56]) = (64, 1)
    (bytes[64], bytes[72], bytes[96]) = (4, 120, 36)
    // A note of 2 bytes, which are padded, and the one that counts.
    (bytes[120], bytes[124]) = (4, 2)
    (bytes[140], bytes[144], bytes[148]) = (4, 4, type)
    bytes.replaceSubrange(152..<156, with: Array("\(owner)\0".utf8))
    return bytes + Array(content.utf8) + zeros(1000)
  }

  @Test func `a vmlinux that QEMU can start is an x86 kernel`() throws {
    let bytes = vmlinux(owner: "Xen", type: 18, "Linux version 6.12.1 (a@b) #1\n")
    #expect(try Kernel(directory.file("vmlinux", bytes)).architecture == .x86)
    #expect(try version(bytes) == KernelVersion(6, 12, 1))
    for other in [vmlinux(owner: "Xen", type: 17), vmlinux(owner: "GNU", type: 18), elf()] {
      let path = try directory.file("program", other)
      #expect(
        throws: FileError(
          path, "is not a Linux kernel (x86 bzImage or vmlinux, arm64 or riscv64 Image)")
      ) { try Kernel(path) }
    }
  }

  @Test func `what is no kernel is refused`() throws {
    let path = try directory.file("image", [0x28, 0xB5, 0x2F, 0xFD, 1, 2, 3, 4, 5])
    #expect(throws: FileError.self) { try Kernel(path) }
  }

  private static let release = "5.10.0-32-cloud-amd64 (someone@debian) #1 SMP Debian 5.10.223-1"
  private static let banner = "Linux version %s (%s)\0Linux version 6.1.0-9-arm64 (a@b) (gcc) #1\n"

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
    #expect(try version(x86Kernel(release: Self.release)) == KernelVersion(5, 10, 223))
  }

  @Test func `an arm64 kernel has it in its banner, packed or not`() throws {
    #expect(try version(image) == KernelVersion(6, 1))
    #expect(try version(Compressor.gzip.compress(image)) == KernelVersion(6, 1))
    #expect(try version(zboot(.gzip)) == KernelVersion(6, 1))
    #expect(try version(zboot(.zstd)) == KernelVersion(6, 1))
  }

  @Test func `a banner whose version ends in the next block is read whole`() throws {
    let start = "Linux version 6.1"
    var bytes = zeros((1 << 20) - start.utf8.count) + Array("\(start)2.117 (a@b) #1\n".utf8)
    bytes += zeros(1000)
    bytes.replaceSubrange(0x38..<0x3C, with: Array("ARM\u{64}".utf8))
    #expect(try version(bytes) == KernelVersion(6, 12, 117))
  }

  @Test func `a kernel in a unified kernel image is like one in a file of its own`() throws {
    let image = archive([.file("init", "#!", 0o755)])
    for kernel in [x86Kernel(release: Self.release), self.image, try zboot(.zstd)] {
      let alone = try Kernel(directory.file("alone", kernel))
      let path = try directory.file(
        "linux.efi", unifiedKernelImage([(".initrd", image), (".linux", kernel)]))
      let unified = try Kernel(path)
      #expect(unified.architecture == alone.architecture)
      #expect(try unified.version() == alone.version())

      // QEMU wants a file with the kernel alone.
      let run = try RunDirectory.temporary()
      defer { run.remove() }
      let program = try GuestInit(try directory.file("init", elf()), for: .x86)
      let boot = CheckedBoot([try Image(path: path)], program: program)
      let machine = try boot.machine(kernel: unified, in: run)
      #expect(try InputFile(machine.kernel.path).bytes() == kernel)
      #expect(try boot.machine(kernel: alone, in: run).kernel.path == alone.path)
    }
    let without = try directory.file("linux.efi", unifiedKernelImage([(".initrd", image)]))
    #expect(
      throws: FileError(without, "is a unified kernel image without a kernel (.linux)")
    ) { try Kernel(without) }
  }

  @Test func `twin: a kernel without one is an error that says what helps`() throws {
    var bytes = zeros(5000)
    bytes.replaceSubrange(0x38..<0x3C, with: Array("ARM\u{64}".utf8))
    let path = try directory.file("kernel", bytes)
    #expect(
      throws: FileError(
        path, "contains no readable kernel version; specify the version instead")
    ) { try Kernel(path).version() }
  }
}

extension TemporaryDirectory {
  /// A kernel of which there is only the header.
  func kernel(_ architecture: Architecture) throws -> Kernel {
    let path =
      switch architecture {
      case .x86: try file("vmlinuz", x86Kernel())
      case .arm: try file("Image", placed("ARM\u{64}", at: 0x38, count: 0x100))
      case .riscv: try file("Image", placed("RSC\u{5}", at: 0x38, count: 0x100))
      }
    return try Kernel(path)
  }
}
