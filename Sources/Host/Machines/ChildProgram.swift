// SPDX-License-Identifier: MIT

import Files
import Subprocess
import SystemPackage

/// A program that has ended. One way to run them: each combination of inputs and outputs would be
/// another copy of the library's code.
struct ChildProgram: Sendable {
  /// What it printed on standard output, without the end of the last line.
  let output: String
  let status: TerminationStatus

  /// Runs the program `name` in a session of its own: Ctrl-C on the terminal reaches only us, and we
  /// end it. Otherwise it could exit first, as if it had ended by itself.
  ///
  /// - Parameters:
  ///   - teardown: What is sent to it before SIGKILL if the task is cancelled.
  ///   - onLine: Called with each line on its standard error; what it throws ends the program.
  /// - Throws: ``FileError`` if it is not installed; `CancellationError`.
  static func run(
    _ name: String, _ arguments: [String], teardown: [TeardownStep] = [], missing: String,
    onLine: (String) throws -> Void
  ) async throws -> ChildProgram {
    var options = PlatformOptions()
    options.createSession = true
    options.teardownSequence = teardown
    do {
      let result = try await Subprocess.run(
        .name(name), arguments: Arguments(arguments), platformOptions: options, input: .none,
        // Read beside the lines: the program would wait for a reader of a full pipe. With a limit,
        // it would once that is reached.
        output: .string(limit: .max), error: .sequence
      ) { execution in
        for try await line in execution.standardError.strings() { try onLine(line) }
      }
      try Task.checkCancellation()
      var output = result.standardOutput
      if output.last == "\n" { output.removeLast() }
      return ChildProgram(output: output, status: result.terminationStatus)
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw FileError(FilePath(name), missing)
    } catch let error as SubprocessError where error.code == .spawnFailed {
      // It is there, but is no program, or one for another processor, or nobody may execute it.
      throw FileError(FilePath(name), cannot: "execute", error.underlyingError ?? .execFormatError)
    }
  }
}
