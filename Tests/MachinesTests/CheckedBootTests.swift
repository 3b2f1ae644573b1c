// SPDX-License-Identifier: MIT

import Images
import Machines
import Packing
import Samples
import SystemPackage
import TestSupport
import Testing

@Suite struct CheckedBootTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test func `images are put behind one another at a multiple of 4, with four zeros between`()
    throws
  {
    for count in 5...8 {
      let bytes = [0x28, 0xB5, 0x2F, 0xFD] + [UInt8](repeating: 7, count: count - 4)
      let image = try directory.file("image", bytes)
      let output = directory.path.appending("initrd")
      try Initrd.write(nil, [Image(path: image), Image(path: image)], into: output)
      let padded = bytes + [UInt8](repeating: 0, count: 12 - count)
      #expect(try directory.bytes("initrd") == padded + padded)
    }
  }

  @Test func `only a wrapped image is asked for the leaf, and not with stock`() throws {
    let program = try GuestInit(try directory.file("init", elf()), for: .x86)
    let leaf = directory.path.appending("leaf.img")
    try Segment.leaf(program).write(to: leaf)
    let plain = try directory.file("plain", [0x28, 0xB5, 0x2F, 0xFD, 1, 2, 3, 4, 5])
    let stock = ["rdinit=/.leafroot-boot/init", "loglevel=7"]
    let asked = [
      "rdinit=/leafroot nonroot_initramfs", "leafroot_init=/.leafroot-boot/init",
      "loglevel=7",
    ]

    var boot = CheckedBoot([try Image(path: leaf), try Image(path: plain)], program: program)
    boot.append = ["loglevel=7"]
    #expect(boot.parameters == asked)
    boot.isStock = true
    #expect(boot.parameters == stock)
    boot = CheckedBoot([try Image(path: plain), try Image(path: leaf)], program: program)
    boot.append = ["loglevel=7"]
    #expect(boot.parameters == stock)
  }

  @Test func `an image that a hook put PID 1 into is started by the user's parameters`() throws {
    let program = try GuestInit(try directory.file("init", elf()), for: .x86)
    let plain = try directory.file("plain", [0x28, 0xB5, 0x2F, 0xFD, 1, 2, 3, 4, 5])
    var boot = CheckedBoot([try Image(path: plain)], program: program)
    boot.append = ["quiet rdinit=/leafroot nonroot_initramfs"]
    #expect(
      boot.parameters == [
        "leafroot_init=/.leafroot-boot/init", "quiet rdinit=/leafroot nonroot_initramfs",
      ])
  }

  @Test func `the boot segment has the command's words, each with its NUL`() throws {
    let program = try GuestInit(try directory.file("init", elf()), for: .x86)
    var boot = CheckedBoot([], program: program)
    #expect(try !contains(boot.segment().bytes, "command"))
    boot.command = ["/bin/echo", "", "a b"]
    #expect(try contains(boot.segment().bytes, ".leafroot-boot/command\0"))
    #expect(try contains(boot.segment().bytes, "/bin/echo\0\0a b\0"))
  }

  @Test
  func `a command with a terminal finds its size in the segment, and its type as a parameter`()
    throws
  {
    let program = try GuestInit(try directory.file("init", elf()), for: .x86)
    let plain = try directory.file("plain", [0x28, 0xB5, 0x2F, 0xFD, 1, 2, 3, 4, 5])
    var boot = CheckedBoot([try Image(path: plain)], program: program)
    #expect(try !contains(boot.segment().bytes, ".leafroot-boot/terminal"))
    boot.terminal = Terminal(rows: 0x0102, columns: 80, type: "xterm-256color")
    boot.append = ["TERM=linux"]
    let segment = try boot.segment().bytes
    #expect(contains(segment, ".leafroot-boot/terminal\0"))
    #expect(segment.firstRange(of: [0, 2, 1, 80, 0, 0, 0, 0, 0]) != nil)
    // The user's comes last, and counts.
    #expect(
      boot.parameters == ["rdinit=/.leafroot-boot/init", "TERM=xterm-256color", "TERM=linux"])
  }

  @Test(arguments: [nil, "", "a b", "a\"", "é", "x\ninit=/x"])
  func `a type of terminal that is no name becomes no parameter`(type: String?) throws {
    let program = try GuestInit(try directory.file("init", elf()), for: .x86)
    var boot = CheckedBoot([], program: program)
    boot.terminal = Terminal(rows: 24, columns: 80, type: type)
    #expect(boot.parameters == ["rdinit=/.leafroot-boot/init"])
  }

  private func contains(_ bytes: [UInt8], _ text: String) -> Bool {
    bytes.firstRange(of: Array(text.utf8)) != nil
  }
}
