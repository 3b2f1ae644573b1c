// SPDX-License-Identifier: MIT

package import Subprocess
import SystemPackage

/// A program that has ended. All programs run through ``run(_:_:teardown:missing:onLine:)``: each
/// other combination of inputs and outputs would add a copy of the library's code.
package struct ChildProgram: Sendable {
  /// Its standard output, without the last line end.
  package let output: String
  package let status: TerminationStatus

  /// Runs the program `name` in a session of its own: Ctrl-C on the terminal reaches only this
  /// process, which then ends the program. Otherwise the program could exit first, as if by itself.
  ///
  /// - Parameters:
  ///   - teardown: The signals to send before SIGKILL if the task is cancelled.
  ///   - missing: The error message if it is not installed.
  ///   - onLine: Called with each line of its standard error; an error that it throws ends the
  ///     program.
  /// - Throws: ``FileError`` if it is not installed or cannot be executed; `CancellationError`.
  package static func run(
    _ name: String, _ arguments: [String], teardown: [TeardownStep] = [], missing: String,
    onLine: (String) throws -> Void
  ) async throws -> ChildProgram {
    var options = PlatformOptions()
    options.createSession = true
    options.teardownSequence = teardown
    do {
      let result = try await Subprocess.run(
        .name(name), arguments: Arguments(arguments), platformOptions: options, input: .none,
        // Read concurrently with the lines: if the pipe filled up, the program would block. A limit
        // would have the same effect once reached.
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
      // The file exists but is not a program, is for another processor, or is not executable.
      throw FileError(FilePath(name), cannot: "execute", error.underlyingError ?? .execFormatError)
    }
  }
}
