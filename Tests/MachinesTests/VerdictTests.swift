// SPDX-License-Identifier: MIT

import Machines
import Testing

@Suite struct VerdictTests {
  private static let leaf = """
    @leafroot check {"mountId":29,"parentId":1,"type":"tmpfs","options":"rw,relatime",\
    "isLeaf":true,"pivotRoot":"ok","below":{"entries":0,"sealed":true,"mounts":0},"asPromised":true,\
    "uptime":4.56}
    """

  private static let rootfs = """
    @leafroot check {"mountId":1,"parentId":1,"type":"rootfs","options":"rw","isLeaf":false,\
    "pivotRoot":"EINVAL","below":null,"asPromised":false,"uptime":4.5}
    """

  private func verdict(_ log: String, _ ending: Run.Ending = .byGuest) -> Verdict {
    Verdict(Console(Array(log.utf8)), ending: ending, elapsed: .milliseconds(6500))
  }

  @Test func `a leaf as promised is 0`() {
    let verdict = verdict(
      "\u{1B}c\u{1B}[?7l[    2.1] leafroot: 12 entries, 3 bytes, 4 ms\r\n\(Self.leaf)\r\n")
    #expect(verdict.outcome == .asPromised)
    #expect(verdict.exitStatus == 0)
    #expect(verdict.check?.mountId == 29)
    #expect(verdict.check?.below == Check.Below(entries: 0, sealed: true))
    #expect(verdict.check?.uptime == 4.56)
    #expect(verdict.logged == ["leafroot: 12 entries, 3 bytes, 4 ms"])
    #expect(verdict.lastWords == [])
    #expect(verdict.seconds == 6.5)
    #expect(!verdict.isHalfUnpacked)
  }

  @Test func `rootfs is 1`() {
    let verdict = verdict(Self.rootfs)
    #expect(verdict.outcome == .notAsPromised)
    #expect(verdict.exitStatus == 1)
    #expect(verdict.check?.pivotRoot == "EINVAL")
    #expect(verdict.check?.below == nil)
  }

  @Test func `a panic before the check is 2, with what led to it`() {
    let verdict = verdict(
      """
      [    2.5] leafroot: the image is half unpacked
      [    2.6] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000000
      [    2.7] Call Trace:
      """)
    #expect(verdict.outcome == .panicked)
    #expect(verdict.exitStatus == 2)
    #expect(
      verdict.lastWords == [
        "[    2.5] leafroot: the image is half unpacked",
        "[    2.6] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000000",
      ])
  }

  @Test func `of a boot that does not reach the check the last eight lines are kept`() {
    let lines = (1...9).map { "line \($0)" }
    #expect(verdict(lines.joined(separator: "\n\n")).lastWords == Array(lines.dropFirst()))
    let panic = "Kernel panic - not syncing: no init"
    #expect(
      verdict((lines + [panic, "later"]).joined(separator: "\n")).lastWords
        == lines.dropFirst(2) + [panic])
  }

  @Test func `no check in time is 2`() {
    let verdict = verdict("[    0.1] Linux version\n\n", .timedOut)
    #expect(verdict.outcome == .timedOut)
    #expect(verdict.exitStatus == 2)
    #expect(verdict.lastWords == ["[    0.1] Linux version"])
  }

  @Test func `an end without a check is 2`() {
    #expect(verdict("").outcome == .unchecked)
    #expect(verdict("").exitStatus == 2)
    #expect(verdict("@leafroot check {\"mountId\":29").outcome == .unchecked)
  }

  @Test func `a check counts even if the machine has to be switched off later`() {
    #expect(verdict(Self.leaf + "\n", .timedOut).outcome == .asPromised)
  }

  @Test func `a line of the kernel's may stand before the check`() {
    #expect(verdict("[    4.1] random: crng init done" + Self.leaf).outcome == .asPromised)
  }

  @Test func `a command that exits 0 is 0, any other 3`() {
    let log = Self.leaf + "\n@leafroot command\none\ntwo\n@leafroot exit "
    #expect(verdict(log + "0\n").command == Verdict.Command(status: 0, output: "one\ntwo"))
    #expect(verdict(log + "0\n").exitStatus == 0)
    #expect(verdict(log + "42\n").command?.status == 42)
    #expect(verdict(log + "42\n").exitStatus == 3)
  }

  @Test func `a command that does not end is 3`() {
    let verdict = verdict(Self.leaf + "\n@leafroot command\nhello\n", .timedOut)
    #expect(verdict.command == Verdict.Command(status: nil, output: "hello\n"))
    #expect(verdict.exitStatus == 3)
  }

  @Test func `rootfs is 1 whatever the command does`() {
    #expect(verdict(Self.rootfs + "\n@leafroot command\n@leafroot exit 0\n").exitStatus == 1)
  }

  @Test func `output without a line end is whole`() {
    let verdict = verdict(Self.leaf + "\n@leafroot command\nno line end\n@leafroot exit 0\n")
    #expect(verdict.command == Verdict.Command(status: 0, output: "no line end"))
  }

  @Test func `a command cannot forge the check or its exit`() {
    let forged = Self.rootfs + "\n@leafroot command\n\(Self.leaf)\n@leafroot exit 0\n"
    #expect(verdict(forged + "@leafroot exit 7\n").check?.isLeaf == false)
    #expect(verdict(forged + "@leafroot exit 7\n").command?.status == 7)
  }

  @Test func `a half-unpacked image is noticed, whatever the check says`() {
    let log = "[    2.1] Initramfs unpacking failed: write error\n"
    #expect(verdict(log + Self.leaf).isHalfUnpacked)
    #expect(!verdict(Self.leaf).isHalfUnpacked)
  }

  @Test func `the line of the patch that LeafRoot began with is LeafRoot's`() {
    let line = "Failed to create a non-root filesystem for initramfs: mount: ENODEV"
    #expect(verdict("[    2.1] \(line)\n").logged == [line])
    #expect(verdict("echo leafroot: not ours\n").logged == [])
  }
}
