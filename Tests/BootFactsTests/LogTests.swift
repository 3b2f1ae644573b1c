// SPDX-License-Identifier: MIT

import BootFacts
import Testing

@Suite struct `Judging the image by the kernel's log` {
  private func judge(_ records: String...) throws -> ImageVerdict {
    var verdict = ImageVerdict()
    for record in records { verdict.add(try #require(LogRecord(Array(record.utf8)[...]))) }
    return verdict
  }

  private let banner = "5,0,0,-;Linux version 6.12.0 (x@y) …\n"
  private let start = "6,1,400000,-;Trying to unpack rootfs image as initramfs...\n"

  @Test func `a record of a kernel with CONFIG_PRINTK_CALLER reads like any other`() throws {
    let text = "6,339,5140900,-,caller=T12;a;b\n SUBSYSTEM=acpi\n DEVICE=+acpi:PNP0A03:00\n"
    let record = try #require(LogRecord(Array(text.utf8)[...]))

    #expect(record.sequence == 339)
    #expect(record.isKernels)
    #expect(Array(record.message) == Array("a;b".utf8))
  }

  @Test(arguments: [
    "<6>[    1.234567] a [b]", "<6>a [b]", "<6>[   T12] a [b]",
    "<6>[    1.234567][   T12] a [b]",
  ])
  func `a line of syslog(2) has no time and no caller`(line: String) throws {
    let record = try #require(LogRecord(syslog: Array(line.utf8)[...], number: 7))
    #expect(record.sequence == 7)
    #expect(record.message.elementsEqual("a [b]".utf8))
  }

  @Test(arguments: [("Linux version 6.12.0 (x@y) …", true), ("usb 1-1: new device", false)])
  func `the lines of syslog(2) are whole if the kernel's banner is the first`(
    first: String, isWhole: Bool
  ) throws {
    var verdict = ImageVerdict()
    for (number, line) in ["<5>[    0.000000] \(first)", "<6>[    0.1] b"].enumerated() {
      verdict.add(try #require(LogRecord(syslog: Array(line.utf8)[...], number: number)))
    }
    #expect(verdict.isComplete == isWhole)
  }

  @Test(arguments: ["", "message\n", "6,1;message\n", "6,x,1,-;message\n"])
  func `what is no record is none`(text: String) {
    #expect(LogRecord(Array(text.utf8)[...]) == nil)
  }

  @Test func `a log from its beginning without a complaint: whole`() throws {
    let verdict = try judge(banner, start, "6,2,500000,-;Freeing initrd memory: 4K\n")
    #expect(verdict.complaint == nil)
    #expect(verdict.isComplete)
  }

  @Test(arguments: [
    "Initramfs unpacking failed: write error",
    "rootfs image is not initramfs (no cpio magic); looks like an initrd",
  ])
  func `each of the kernel's two complaints is found`(complaint: String) throws {
    let verdict = try judge(banner, start, "0,2,500000,-,caller=T1;\(complaint)\n")
    #expect(verdict.complaint == Array(complaint.utf8))
  }

  @Test func `the first complaint is kept`() throws {
    let verdict = try judge(
      banner, "0,1,1,-;Initramfs unpacking failed: one\n",
      "0,2,1,-;Initramfs unpacking failed: two\n"
    )
    #expect(verdict.complaint == Array("Initramfs unpacking failed: one".utf8))
  }

  @Test func `what a program wrote to the log is no complaint of the kernel`() throws {
    // <12>: LOG_USER and LOG_WARNING.
    let verdict = try judge(banner, "12,1,1,-;Initramfs unpacking failed: so they say\n")
    #expect(verdict.complaint == nil)
  }

  @Test func `a lost beginning cannot be judged`() throws {
    #expect(try !judge("6,700,1,-;usb 1-1: new device\n", "6,701,1,-;more\n").isComplete)
  }

  @Test func `a lost beginning does not matter if the unpacking is there from its start`() throws {
    let verdict = try judge(
      "6,700,1,-;early\n", "6,701,1,-;Trying to unpack rootfs image as initramfs...\n",
      "6,702,1,-;late\n")
    #expect(verdict.isComplete)
  }

  @Test func `records that were overwritten meanwhile cannot be judged`() throws {
    #expect(try !judge(banner, start, "6,90,1,-;late\n").isComplete)
  }

  @Test func `no log at all cannot be judged`() throws {
    #expect(!ImageVerdict().isComplete)
  }
}
