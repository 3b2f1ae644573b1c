// SPDX-License-Identifier: MIT

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
}
