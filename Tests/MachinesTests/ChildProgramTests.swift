// SPDX-License-Identifier: MIT

import Files
import Subprocess
import Testing

@Suite struct ChildProgramTests {
  /// Runs a script.
  private func run(
    _ script: String, onLine: (String) throws -> Void = { _ in }
  ) async throws -> (text: String, status: TerminationStatus) {
    try await ChildProgram.output(of: "sh", ["-c", script], missing: "not found", onLine: onLine)
  }

  @Test(.timeLimit(.minutes(1)))
  func `more than a pipe holds on both outputs is read at once`() async throws {
    var lines = 0
    let text = "yes 123456789 | head -n 100000"
    let ended = try await run("\(text); \(text) >&2; \(text)") { _ in lines += 1 }
    #expect(ended.status.isSuccess)
    #expect(lines == 100_000)
    #expect(ended.text.utf8.count == 2_000_000 - 1)
  }

  @Test(.timeLimit(.minutes(1)))
  func `an error for a line ends the program, though both outputs are open`() async throws {
    struct Enough: Error {}
    await #expect(throws: Enough.self) {
      try await run("echo out; echo error >&2; exec sleep 1000") { _ in throw Enough() }
    }
  }
}
