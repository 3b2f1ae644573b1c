// SPDX-License-Identifier: MIT

import Files
import Foundation
import Initramfs
import Machine
import OddImages
import Packing
import SystemPackage
import TestSupport
import Testing

@Suite struct MachineTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func machine(_ architecture: Architecture = .x86) throws -> Machine {
    let path =
      switch architecture {
      case .x86: try directory.file("vmlinuz", placed("HdrS", at: 0x202, count: 0x400))
      case .arm: try directory.file("Image", placed("ARM\u{64}", at: 0x38, count: 0x100))
      case .riscv: try directory.file("Image", placed("RSC\u{5}", at: 0x38, count: 0x100))
      }
    return Machine(kernel: try Kernel(path), initrd: "it's.img", words: ["rdinit=/leafroot"])
  }

  @Test func `an x86 machine is emulated with all that QEMU can emulate`() throws {
    let machine = try machine()
    let arguments = machine.arguments(accelerator: .tcg, serial: .file("log"))
    #expect(machine.program == "qemu-system-x86_64")
    #expect(
      arguments.starts(with: [
        "-M", "q35", "-cpu", "max", "-accel", "tcg", "-m", "512M", "-smp", "1", "-no-reboot",
        "-nic", "none", "-display", "none", "-monitor", "none", "-serial", "file:log",
      ]))
    #expect(
      arguments.suffix(2) == [
        "-append", "console=ttyS0 quiet panic=-1 no_timer_check rdinit=/leafroot",
      ])
  }

  @Test func `an arm machine has another board, processor and console`() throws {
    let machine = try machine(.arm)
    #expect(machine.program == "qemu-system-aarch64")
    #expect(
      machine.arguments(accelerator: .tcg, serial: .terminal).starts(with: [
        "-M", "virt", "-cpu", "cortex-a72",
      ]))
    #expect(machine.commandLine == "console=ttyAMA0 quiet panic=-1 rdinit=/leafroot")
  }

  @Test func `a riscv machine has arm's board and x86's console`() throws {
    let machine = try machine(.riscv)
    #expect(machine.program == "qemu-system-riscv64")
    #expect(
      machine.arguments(accelerator: .tcg, serial: .terminal).starts(with: [
        "-M", "virt", "-cpu", "rv64",
      ]))
    #expect(machine.commandLine == "console=ttyS0 quiet panic=-1 rdinit=/leafroot")
  }

  @Test func `several processors are emulated in threads of their own`() throws {
    var machine = try machine()
    machine.cpus = 2
    let emulated = machine.arguments(accelerator: .tcg, serial: .terminal)
    #expect(emulated.contains("tcg,thread=multi"))
    #expect(machine.arguments(accelerator: .kvm, serial: .terminal).contains("kvm"))
  }

  @Test func `counting instructions fixes the clock too`() throws {
    var machine = try machine()
    machine.countsInstructions = true
    let arguments = machine.arguments(accelerator: .tcg, serial: .terminal)
    #expect(arguments.contains("shift=0,sleep=off"))
    #expect(arguments.contains("base=2026-01-01,clock=vm"))
    machine.countsInstructions = false
    #expect(!machine.arguments(accelerator: .tcg, serial: .terminal).contains("-icount"))
  }

  @Test func `the replay is one line for sh, with the console on the terminal`() throws {
    let replay = try machine().replay(accelerator: .tcg)
    #expect(replay.contains(" -nographic "))
    #expect(replay.contains(#" -initrd 'it'\''s.img' "#))
    #expect(replay.hasSuffix("rdinit=/leafroot'"))
  }

  @Test func `a kernel's architecture is read from its header`() throws {
    #expect(try machine(.x86).kernel.architecture == .x86)
    #expect(try machine(.arm).kernel.architecture == .arm)
    #expect(try machine(.riscv).kernel.architecture == .riscv)
  }

  @Test func `a gzipped kernel is known by the header inside`() throws {
    func packed(_ bytes: [UInt8]) throws -> Kernel {
      // Longer than what is read of it.
      var random = Generator(seed: 1)
      let rest = (0..<(1 << 16)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      return try Kernel(directory.file("Image.gz", Compressor.gzip.compress(bytes + rest)))
    }
    #expect(
      try packed(placed("ARM\u{64}", at: 0x38, count: 0x100)).architecture == .arm)
    #expect(
      try packed(placed("RSC\u{5}", at: 0x38, count: 0x100)).architecture == .riscv)
    #expect(throws: FileError.self) { try packed(placed("HdrS", at: 0x202, count: 0x400)) }
    let damaged = try directory.file("Image.gz", [0x1F, 0x8B, 8, 0])
    #expect(throws: FileError.self) { try Kernel(damaged) }
  }

  @Test func `a kernel for another architecture is refused`() throws {
    let path = try machine().kernel.path
    #expect(
      throws: FileError(path, "is a kernel for x86_64, not for aarch64")
    ) { try Kernel(path, for: .arm) }
  }

  @Test func `what is no kernel is refused`() throws {
    let path = try directory.file("image", zstd)
    #expect(throws: FileError.self) { try Kernel(path) }
  }

  @Test func `images are put behind one another at a multiple of 4, with four zeros between`()
    throws
  {
    for count in 5...8 {
      let image = try directory.file("image", [UInt8](repeating: 7, count: count))
      let output = directory.path.appending("initrd")
      try Initrd.write(nil, [image, image], into: output)
      let padded = [UInt8](repeating: 7, count: count) + [UInt8](repeating: 0, count: 12 - count)
      #expect(try directory.bytes("initrd") == padded + padded)
    }
  }

  @Test func `only a wrapped image is asked for the leaf, and not with stock`() throws {
    let program = try GuestInit(try directory.file("init", elf()), for: .x86)
    let leaf = directory.path.appending("leaf.img")
    try Segment.leaf(program).write(to: leaf)
    let plain = try directory.file("plain", zstd)
    let stock = ["rdinit=/.leafroot-boot/init", "loglevel=7"]
    let asked = [
      "rdinit=/leafroot nonroot_initramfs", "leafroot_init=/.leafroot-boot/init",
      "loglevel=7",
    ]

    var boot = CheckedBoot([leaf, plain], program: program)
    boot.append = ["loglevel=7"]
    #expect(try boot.words() == asked)
    boot.isStock = true
    #expect(try boot.words() == stock)
    boot = CheckedBoot([plain, leaf], program: program)
    boot.append = ["loglevel=7"]
    #expect(try boot.words() == stock)
  }

  @Test func `the boot segment has the command's words, each with its NUL`() throws {
    let program = try GuestInit(try directory.file("init", elf()), for: .x86)
    var boot = CheckedBoot([], program: program)
    #expect(try !contains(boot.segment().bytes, "command"))
    boot.command = ["/bin/echo", "", "a b"]
    #expect(try contains(boot.segment().bytes, ".leafroot-boot/command\0"))
    #expect(try contains(boot.segment().bytes, "/bin/echo\0\0a b\0"))
  }

  private func contains(_ bytes: [UInt8], _ text: String) -> Bool {
    bytes.firstRange(of: Array(text.utf8)) != nil
  }
}

/// The header of an x86 ELF program.
private func elf() -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: 64)
  bytes.replaceSubrange(0..<6, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1])
  bytes[18] = 62
  return bytes
}

private let zstd: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 1, 2, 3, 4, 5]

/// `text` at `offset` in `count` zero bytes.
private func placed(_ text: String, at offset: Int, count: Int) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: count)
  bytes.replaceSubrange(offset..<(offset + text.utf8.count), with: Array(text.utf8))
  return bytes
}
