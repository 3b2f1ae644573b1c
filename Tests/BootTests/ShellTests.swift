// SPDX-License-Identifier: MIT

import Fidelity
import Foundation
import Newc
import Packing
import SystemPackage
import TestSupport
import Testing

@testable import BootHarness

/// `leafroot shell`, with the real QEMU, a stock kernel, and the test at the keys.
@Suite struct ShellTests: Sendable {
  private let directory: TemporaryDirectory
  private let terminal: Pseudoterminal

  init() throws {
    directory = try TemporaryDirectory()
    terminal = try Pseudoterminal(rows: 33, columns: 101)
  }

  /// Boots `tree`, wrapped, with a shell.
  private func boot(_ tree: GuestTree) throws -> Command.Running {
    try directory.file("wrapped.img", Segment.leaf(.built()).bytes + tree.image)
    var tool = Tool(booting: directory, "shell", "wrapped.img")
    tool.environment["TERM"] = "vt102"
    let kernel = Place.kernel("6.12-x86_64").string
    return try tool.command(["--kernel", kernel, "--memory", "256M", "--log", "log"])
      .start(on: terminal)
  }

  private func dialogue(
    _ body: @escaping @Sendable () throws -> Command.Ended
  ) async throws -> Command.Ended {
    try await Gate.shared.pass { try await onOtherThread(body) }
  }

  @Test func `the shell has a terminal with job control, and nothing disturbs it`() async throws {
    var tree = GuestTree()
    tree.add(
      Entry(
        name: Array("dev/kmsg".utf8), mode: 0o020600, specialDevice: Device(major: 1, minor: 11)))
    let attributes = terminal.attributes
    let ended = try await dialogue { [tree] in
      let boot = try boot(tree)
      try terminal.wait(for: "# ", seconds: 120)
      terminal.type("tty; stty size; echo $((6*7)) $TERM; echo '<1>lo''ud' > /dev/kmsg\r")
      try terminal.wait(for: "/dev/console\r\n33 101\r\n42 vt102\r\n", seconds: 30)
      try terminal.wait(for: "# ", seconds: 30)
      for (key, answer) in [("\u{3}", "^C\r\n"), ("\u{1A}", "Stopped")] {
        terminal.type("/bin/busybox sleep 1000\r")
        try terminal.wait(for: "sleep 1000\r\n", seconds: 30)
        sleep(2)
        terminal.type(key)
        try terminal.wait(for: answer, seconds: 30)
        try terminal.wait(for: "# ", seconds: 30)
      }
      terminal.type("exit 3\r")
      // A shell with a stopped job wants to be told twice.
      try terminal.wait(for: "# ", seconds: 30)
      terminal.type("exit 3\r")
      return try boot.end()
    }
    #expect(ended.status == 3)
    #expect(terminal.attributes == attributes)
    #expect(!terminal.output.contains("job control"))
    #expect(!terminal.output.contains("loud"))
    let log = String(decoding: try directory.bytes("log"), as: UTF8.self)
    #expect(log.contains("@leafroot kernel loud"))
  }

  @Test func `an image without a shell is said to have none`() async throws {
    var tree = GuestTree()
    tree.remove("bin/sh")
    let ended = try await dialogue { [tree] in try boot(tree).end() }
    #expect(ended.status == 127)
    #expect(terminal.output.contains("leafroot: /bin/sh: No such file or directory\r\n"))
  }
}
