// SPDX-License-Identifier: MIT

import Fidelity
import Testing

@Suite struct EscapeTests {
  @Test(arguments: [
    ("@escape pivot 0 0 0", "reaches nothing"),
    ("@escape pivot 0 0 1", "writes to an empty rootfs"),
    ("@escape pivot 31 0 1", "sees what is left, and writes there"),
    ("@escape pivot 31 0 0", "sees what is left"),
    ("@escape pivot 400 1 0", "reads the tree"),
    ("@escape move 400 1 1", "reads and writes the tree"),
  ])
  func `the verdict says what the process can do`(line: String, words: String) throws {
    let escape = try #require(Escape(["other output", line]))
    #expect(escape.description == words)
  }

  @Test(arguments: ["", "@escape", "@escape pivot many 0 0", "@escape other 1 0 0"])
  func `a line that is not whole is no verdict`(line: String) {
    #expect(Escape([line]) == nil)
  }

  @Test func `runtimes pass or fail, and other lines do not count`() {
    let results = RuntimeResults([
      "runc\tok\town root: bin", "bwrap (userns)\tFAILED\tpivot_root: Invalid argument",
      "crun\tunknown", "a line",
    ])
    #expect(results.all.count == 2)
    #expect(results.passing == ["runc"])
  }
}
