// SPDX-License-Identifier: MIT

import ArgumentParser
import Machines
import Packing
import SystemPackage
import Testing

@testable import leafroot

@Suite struct ArgumentTests {
  private func boot(_ arguments: String...) throws -> Boot { try boot(arguments) }

  private func boot(_ arguments: [String]) throws -> Boot {
    try #require(
      try LeafRoot.parseAsRoot(GuestCommand.namingWords(in: ["boot"] + arguments)) as? Boot)
  }

  private func wrap(_ arguments: String...) throws -> Wrap {
    try #require(try LeafRoot.parseAsRoot(["wrap"] + arguments) as? Wrap)
  }

  @Test func `boot takes several images and a command`() throws {
    let boot = try boot(
      "a", "--kernel", "k", "b", "--memory", "2G", "--", "sh", "-c", "exit 1", "--", "", "--json")
    #expect(boot.options.booted.images == ["a", "b"])
    #expect(boot.options.booted.kernel == "k")
    #expect(boot.options.machine.memory?.mebibytes == 2048)
    #expect(boot.command.words == ["sh", "-c", "exit 1", "--", "", "--json"])
    #expect(!boot.json)
  }

  @Test func `boot has defaults for all but the image and the kernel`() throws {
    let boot = try boot("a", "--kernel", "k")
    #expect(boot.options.machine.memory == nil)
    #expect(boot.options.machine.cpus == 1)
    #expect(boot.options.machine.timeout == 120)
    #expect(boot.options.machine.arch == nil)
    #expect(boot.command.words == [])
    #expect(throws: (any Error).self) { try self.boot("a") }
    #expect(throws: (any Error).self) { try self.boot("--kernel", "k") }
  }

  @Test(arguments: [
    ["--memory", "0"], ["--memory", "-1"], ["--memory", "1T"],
    ["--memory", "99999999999999999999"],
    ["--cpus", "0"], ["--timeout", "0"], ["--arch", "s390x"], ["--icount", "--cpus", "2"],
  ])
  func `boot refuses what no machine has`(options: [String]) {
    let error = #expect(throws: (any Error).self) {
      try LeafRoot.parseAsRoot(["boot", "a", "--kernel", "k"] + options)
    }
    #expect(error.map { LeafRoot.exitCode(for: $0).rawValue } == 64)
  }

  @Test(arguments: [["--", "true"], ["--json"], ["--jobs", "2"]])
  func `a shell takes neither a command nor the options of other verbs`(options: [String]) {
    let error = #expect(throws: (any Error).self) {
      try LeafRoot.parseAsRoot(
        GuestCommand.namingWords(in: ["shell", "a", "--kernel", "k"] + options))
    }
    #expect(error.map { LeafRoot.exitCode(for: $0).rawValue } == 64)
  }

  @Test func `the words behind -- are a command for the verbs that run one`() throws {
    for verb in ["boot", "matrix", "least-memory"] {
      let words = GuestCommand.namingWords(in: [verb, "a", "--", "x", ""])
      #expect(words == [verb, "a", "--command-word=:x", "--command-word=:"])
      #expect(GuestCommand.namingWords(in: [verb, "x"]) == [verb, "x"])
    }
    for verb in ["wrap", "shell"] {
      #expect(GuestCommand.namingWords(in: [verb, "--", "x"]) == [verb, "--", "x"])
    }
  }

  @Test func `wrap takes an image or makes the bare segment, not both and not neither`() throws {
    #expect(try wrap("a", "-o", "b").image == "a")
    #expect(try wrap("--segment", "-o", "b", "--arch", "aarch64").arch == .arm)
    #expect(try wrap("--segment", "-o", "b", "--arch", "riscv64").arch == .riscv)
    #expect(throws: (any Error).self) { try wrap("a", "--segment", "-o", "b") }
    #expect(throws: (any Error).self) { try wrap("-o", "b") }
    #expect(throws: (any Error).self) { try wrap("a") }
  }

  @Test func `SOURCE_DATE_EPOCH is seconds that newc can hold, 0 if it is not set`() throws {
    #expect(try Wrap.sourceDateEpoch(nil) == 0)
    #expect(try Wrap.sourceDateEpoch("1700000000") == 1_700_000_000)
    for text in ["", "-1", "4294967296", "now"] {
      #expect(throws: ValidationError.self) { try Wrap.sourceDateEpoch(text) }
    }
  }

  @Test func `the help of boot documents its exit status and its usage`() {
    let help = LeafRoot.helpMessage(for: Boot.self, columns: 80)
    #expect(
      help.contains(
        "USAGE: leafroot boot <image> ... --kernel <kernel> [<options>] [-- <command> ...]"))
    #expect(
      help.contains("Exit status: 0 as promised, and COMMAND exited with 0; 1 not as promised"))
    #expect(!help.contains("command-word"))
  }

  @Test func `the help lists the verbs`() {
    #expect(
      LeafRoot.helpMessage(columns: 80).contains(
        """
          inspect                 Show the contents and defects of an initramfs, and
                                  the memory it needs.
          unpack                  Unpack an initramfs as the kernel does.
          wrap                    Prepend LeafRoot's PID 1 to an initramfs.
          pack                    Pack a tree so that it is unpacked straight into the
                                  leaf.
          nest                    Nest an initramfs so that it is unpacked straight
                                  into the leaf.
          entry                   Print a boot loader's entry for images.
          boot                    Boot an initramfs in QEMU and check whether its root
                                  is a leaf.
          shell                   Boot an initramfs in QEMU and start its shell on this
                                  terminal.
          matrix                  Make the boots that a JSON file describes, and print
                                  a table.
          least-memory            Find the least memory with which an initramfs boots
                                  as promised.
        """))
  }
}
