// SPDX-License-Identifier: MIT

import Synchronization
import Testing

@testable import Machines
@testable import leafroot

@Suite struct ProgressTests {
  /// What a progress line wrote.
  private final class Written: Sendable {
    let text = Mutex("")
    func write(_ text: String) { self.text.withLock { $0 += text } }
  }

  private func written(isTerminal: Bool, _ body: (ProgressLine) -> Void) -> String {
    let written = Written()
    body(ProgressLine(isTerminal: isTerminal) { written.write($0) })
    return written.text.withLock { $0 }
  }

  private func update(_ line: ProgressLine, _ seconds: Int, _ text: String) {
    line.update(Run.Progress(elapsed: .seconds(seconds), lastLine: text))
  }

  @Test func `in a pipe a line is shown every ten seconds, and none twice`() {
    let text = written(isTerminal: false) { line in
      line.begin("booting")
      for second in 1...55 { update(line, second, second < 35 ? "one" : "two") }
      line.end()
    }
    #expect(text == "leafroot: booting\nleafroot: 10 s  one\nleafroot: 40 s  two\n")
  }

  @Test func `a terminal gets one line that is rewritten, and taken away`() {
    let text = written(isTerminal: true) { line in
      update(line, 1, "one")
      update(line, 2, "one")
      line.end()
      line.end()
    }
    #expect(text == "\r\u{1B}[K1 s  one\r\u{1B}[K2 s  one\r\u{1B}[K")
  }

  @Test func `output and progress share a terminal: no line of the command is overwritten`() throws
  {
    let written = Written()
    let output = BootConsole(ProgressLine(isTerminal: true) { written.write($0) }) {
      written.write(String(decoding: $0, as: UTF8.self))
    }
    func update(_ text: String) {
      output.update(Run.Progress(elapsed: .seconds(1), lastLine: text))
    }
    update("one")
    try output.print(Array("a".utf8))
    update("hidden")
    try output.print(Array("b\n".utf8))
    update("two")
    try output.finish("table")
    let clear = "\r\u{1B}[K"
    #expect(
      written.text.withLock { $0 }
        == "\(clear)1 s  one\(clear)ab\n\(clear)1 s  two\(clear)\ntable\n")
  }

  @Test(arguments: [("", "table\n"), ("a\n", "a\n\ntable\n"), ("a", "a\n\ntable\n")])
  func `the table comes after an empty line, if anything comes before`(
    text: String, expected: String
  ) throws {
    let written = Written()
    let output = BootConsole(ProgressLine(isTerminal: false) { _ in }) {
      written.write(String(decoding: $0, as: UTF8.self))
    }
    try output.print(Array(text.utf8))
    try output.finish("table")
    #expect(written.text.withLock { $0 } == expected)
  }
}
