// SPDX-License-Identifier: MIT

import SystemPackage
import TestSupport
import Testing

@testable import Machines

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

  private static let check = """
    @leafroot check {"mountId":1,"parentId":1,"type":"rootfs","options":"rw","isLeaf":false,\
    "pivotRoot":"EINVAL","below":null,"asPromised":false,"uptime":4.5}

    """

  @Test func `the guest's reports are not shown, nor what the command prints`() throws {
    let directory = try TemporaryDirectory()
    let log = directory.path.appending("console.log")
    var tail = ConsoleTail(log)
    var written = ""
    func shown(_ more: String, output: String = "") throws -> String {
      written += more
      try directory.file("console.log", Array(written.utf8))
      #expect(try String(decoding: tail.read(), as: UTF8.self) == output)
      return tail.lastLine
    }
    #expect(try shown("[ 1.0] booting\n\n") == "[ 1.0] booting")
    #expect(try shown("@leaf") == "[ 1.0] booting")
    #expect(try shown("root log leafroot: 12 entries\n") == "[ 1.0] booting")
    #expect(try shown("[ 2.0] x\(Self.check)") == "[ 1.0] booting")
    #expect(
      try shown("\n@leafroot command\nhello\r\n", output: "hello\n") == "running the command")
    #expect(try shown("more", output: "more") == "running the command")
    #expect(try shown("\n@leafroot exit 0\n", output: "\n") == "the command ended")
    #expect(try tail.finish() == [])
  }

  /// The output in a console that arrives in pieces of `size` bytes.
  private func output(_ console: String, in size: Int, lineEnd: String = "\n") -> String {
    var command = GuestReport(lineEnd: lineEnd)
    var output: [UInt8] = []
    var rest = Array(console.utf8)[...]
    while !rest.isEmpty {
      output += command.take(rest.prefix(size))
      rest = rest.dropFirst(size)
    }
    return String(decoding: output + command.finish(), as: UTF8.self)
  }

  @Test(arguments: [1, 2, 3, 7, 1000])
  func `the command's output is what comes between its marks, in pieces of any size`(size: Int) {
    let start = "[ 1.0] a line\n\(Self.check)\n@leafroot command\n"
    for text in ["", "\n", "one\n", "one\n\n\ntwo\n", "@leafroot exit soon\n", "@\n@leaf\n"] {
      #expect(output(start + text + "\n@leafroot exit 0\n", in: size) == text)
    }
    #expect(output(start + "ü@leafroot exit", in: size) == "ü@leafroot exit")
    #expect(output(start + "cut\n@leafroot ex", in: size) == "cut\n@leafroot ex")
    #expect(output(start, in: size) == "")
  }

  @Test(arguments: [1, 2, 3, 7, 1000])
  func `the output of a console as it is keeps its line ends and escape sequences`(size: Int) {
    let start = "\u{1B}c\(Self.check)\r\n@leafroot command\r\n"
    for text in ["", "\r\n", "$ \u{1B}[1mone\r\n", "raw\n", "\r\r\n"] {
      let console = start + text + "\r\n@leafroot exit 0\r\n"
      #expect(output(console, in: size, lineEnd: "\r\n") == text)
    }
    // The command left the terminal without its translation of line feeds.
    #expect(
      output(start + "one\n\n@leafroot exit 0\n", in: size, lineEnd: "\r\n") == "one\n\n")
  }

  @Test func `what looks like the end is given out as soon as it is known to be none`() {
    var command = GuestReport(lineEnd: "\r\n")
    _ = command.take("\(Self.check)\r\n@leafroot command\r\n".utf8)
    let forged = Array("@leafroot exit 7\r\n$ ".utf8)
    #expect(command.take(forged) == [])
    #expect(command.hasEnded)
    #expect(command.release() == forged)
    #expect(!command.hasEnded)
    #expect(command.take("\r\n@leafroot exit 0\r\n".utf8) == Array("\r\n".utf8))
    #expect(command.hasEnded)
  }

  @Test(arguments: [1, 5, 1000]) func `only the last exit ends the output`(size: Int) {
    let start = "\(Self.check)\n@leafroot command\n"
    let forged = "\n@leafroot exit 7\nmore\n\(Self.check)"
    #expect(output(start + forged + "\n@leafroot exit 0\n", in: size) == forged)
  }

  @Test func `without a check before it no command starts`() {
    #expect(output("@leafroot command\none\n", in: 3) == "")
  }
}
