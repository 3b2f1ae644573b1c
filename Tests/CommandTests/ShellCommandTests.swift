// SPDX-License-Identifier: MIT

import Foundation
import TestSupport
import Testing

/// `leafroot shell` on a terminal, with a script in the place of QEMU.
@Suite struct ShellCommandTests {
  private let machine: FakeMachine
  private let terminal: Pseudoterminal
  private let attributes: [UInt8]

  init() throws {
    machine = try FakeMachine()
    terminal = try Pseudoterminal(rows: 33, columns: 101)
    attributes = terminal.attributes
  }

  /// A guest up to the shell, and `say`, which prints on its console.
  private static let shell = #"""
    echo $$ > pid
    say() { printf "$@" | tee -a "$serial" > "$pipe.out"; }
    say '\033[2Jfirmware\r\n@leafroot check '
    say '{"mountId":29,"parentId":1,"type":"tmpfs","options":"rw","isLeaf":true,'
    say '"pivotRoot":"ok","asPromised":true,"uptime":1}\r\n'
    say '\r\n@leafroot command\r\n$ '

    """#

  @Test func `keys go to the shell, its output to the terminal, and its status is the tool's`()
    throws
  {
    try machine.qemu(
      Self.shell
        + #"""
        dd bs=1 count=3 < "$pipe.in" > keys 2>/dev/null
        say 'bye\033[m\r\n\r\n@leafroot exit 3\r\n\r\n@leafroot kernel hidden\r\n'
        """#)
    let boot = try machine.shell(on: terminal)
    try terminal.wait(for: "exit leaves this shell", seconds: 20)
    try terminal.wait(for: "\n$ ", seconds: 20)
    #expect(terminal.attributes != attributes)
    terminal.type("a\r\u{3}")
    #expect(try boot.end().status == 3)
    #expect(try machine.directory.bytes("keys") == Array("a\r\u{3}".utf8))
    #expect(terminal.output.hasSuffix("\r\n$ bye\u{1B}[m\r\n"))
    #expect(!terminal.output.contains("firmware"))
    #expect(terminal.attributes == attributes)
    #expect(try machine.runs == [])
  }

  @Test func `time does not count while the shell runs`() throws {
    try machine.qemu(Self.shell + #"sleep 3; say '\r\n@leafroot exit 0\r\n'"#)
    let boot = try machine.shell(on: terminal, "--timeout", "1")
    #expect(try boot.end().status == 0)
  }

  @Test func `a machine that ends before its shell gives the verdict, and 2`() throws {
    try machine.qemu(Self.shell + #"say 'Kernel panic - not syncing: x'"#)
    let boot = try machine.shell(on: terminal)
    #expect(try boot.end().status == 2)
    #expect(terminal.output.contains("Kernel panic - not syncing: x\r\n\r\nverdict "))
    #expect(terminal.output.contains("\ncommand     did not exit\r\n"))
    #expect(terminal.attributes == attributes)
    #expect(try machine.runs.count == 1)
  }

  @Test func `a machine that does not reach its shell gives the verdict, and 2`() throws {
    try machine.qemu("exec sleep 60")
    let boot = try machine.shell(on: terminal, "--timeout", "0.5")
    #expect(try boot.end().status == 2)
    #expect(terminal.output.contains("verdict  timed out\r\n"))
    #expect(terminal.attributes == attributes)
  }

  @Test func `a signal ends the machine, and the terminal is as before`() throws {
    try machine.qemu(Self.shell + "exec sleep 60")
    let boot = try machine.shell(on: terminal)
    try terminal.wait(for: "\n$ ", seconds: 20)
    boot.process.terminate()
    #expect(try boot.end().status == 128 + SIGTERM)
    #expect(terminal.attributes == attributes)
    #expect(try !machine.isRunning())
    #expect(try machine.runs == [])
  }

  @Test func `the machine ends with the terminal`() throws {
    try machine.qemu(Self.shell + "exec sleep 60")
    let boot = try machine.shell(on: terminal)
    try terminal.wait(for: "\n$ ", seconds: 20)
    terminal.hangUp()
    #expect(try boot.end().status == 128 + SIGHUP)
    #expect(try !machine.isRunning())
  }

  @Test func `the keys that stop the machine are three in a row`() throws {
    try machine.qemu(Self.shell + #"cat "$pipe.in" > keys"#)
    let boot = try machine.shell(on: terminal)
    try terminal.wait(for: "\n$ ", seconds: 20)
    terminal.type("\u{1D}\u{1D}x")
    usleep(500_000)
    #expect(try machine.isRunning())
    terminal.type("\u{1D}\u{1D}\u{1D}")
    #expect(try boot.end().status == 128 + SIGINT)
    #expect(terminal.attributes == attributes)
    #expect(try !machine.isRunning())
  }

  @Test func `a line that looks like the shell's end hides nothing from who types on`() throws {
    try machine.qemu(
      Self.shell
        + #"""
        say '@leafroot exit 7\r\n$ '
        dd bs=1 count=1 < "$pipe.in" > key 2>/dev/null
        say 'bye\r\n\r\n@leafroot exit 0\r\n'
        """#)
    let boot = try machine.shell(on: terminal)
    try terminal.wait(for: "\n$ ", seconds: 20)
    usleep(500_000)
    terminal.type("x")
    #expect(try boot.end().status == 0)
    #expect(terminal.output.hasSuffix("\r\n$ @leafroot exit 7\r\n$ bye\r\n"))
  }

  @Test func `without a terminal there is no shell`() throws {
    try machine.qemu("exit 0")
    let result = try machine.leafroot("shell", "image", "--kernel", "vmlinuz")
    #expect(result.status == 64)
    #expect(result.errors.contains("shell requires a terminal on standard input."))
  }
}
