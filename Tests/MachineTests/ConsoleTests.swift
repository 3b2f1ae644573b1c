// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@testable import Machine

@Suite struct ConsoleTests {
  @Test func `lines end with a line feed, carriage returns are dropped`() {
    #expect(Console(Array("one\r\ntwo\r\n".utf8)).lines == ["one", "two", ""])
  }

  @Test(arguments: [
    "\u{1B}[2J\u{1B}[01;01Hplain",  // SeaBIOS
    "pl\u{1B}[0;1;39main\u{1B}[0m",  // systemd
    "\u{1B}]0;title\u{7}plain", "\u{1B}]3008;start\u{1B}\\plain", "\u{1B}cplain",
    "\u{1B}(Bplain", "\u{1B}[?7hplain",
  ])
  func `escape sequences are dropped`(text: String) {
    #expect(Console(Array(text.utf8)).lines == ["plain"])
  }

  @Test func `a sequence that is cut off ends with its line`() {
    #expect(Console(Array("a\u{1B}[12\nb".utf8)).lines == ["a", "b"])
  }

  @Test func `a sequence may be split between two reads`() {
    var filter = EscapeFilter()
    let parts = ["a\u{1B}", "[3", "1mb"].map { filter.plain(Array($0.utf8)) }
    #expect(String(decoding: parts.joined(), as: UTF8.self) == "ab")
  }

  @Test func `bytes that are not UTF-8 do no harm`() {
    #expect(Console([0x61, 0xFF, 0x62]).lines == ["a\u{FFFD}b"])
  }

  @Test func `the guest's reports are not shown, nor what the command prints`() throws {
    let directory = try TemporaryDirectory()
    let log = directory.path.appending("console.log")
    var tail = ConsoleTail(log)
    var written = ""
    func shown(_ more: String) throws -> String {
      written += more
      try directory.file("console.log", Array(written.utf8))
      return tail.lastLine()
    }
    #expect(try shown("[ 1.0] booting\n\n") == "[ 1.0] booting")
    #expect(try shown("@leaf") == "[ 1.0] booting")
    #expect(try shown("root log leafroot: 12 entries\n") == "[ 1.0] booting")
    #expect(try shown("[ 2.0] x@leafroot check {\"mountId\":1}\n") == "[ 1.0] booting")
    #expect(try shown("\n@leafroot command\nhello\n") == "running the command")
    #expect(try shown("more of it\n") == "running the command")
    #expect(try shown("end@leafroot exit 0\n") == "the command ended")
    #expect(try shown("[ 9.0] reboot: Restarting\n") == "[ 9.0] reboot: Restarting")
  }
}
