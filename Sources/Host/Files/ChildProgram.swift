// SPDX-License-Identifier: MIT

package import Subprocess
package import SystemPackage

/// Programs that run as children of this process. All run through
/// ``run(_:_:input:output:teardown:missing:feed:onLine:)``: each other combination of kinds of input
/// and output would add a copy of the library's code.
package enum ChildProgram {
  /// Runs the program `name` in a session of its own: Ctrl-C on the terminal reaches only this
  /// process, which then ends the program. Otherwise the program could exit first, as if by itself.
  ///
  /// - Parameters:
  ///   - input: Its standard input, which is closed here; nil for none.
  ///   - output: Its standard output, which is closed here; nil to discard it.
  ///   - teardown: The signals to send before SIGKILL if the task is cancelled.
  ///   - missing: The error message if it is not installed.
  ///   - feed: Called once it runs, to write its input. Its standard error is read afterwards: the
  ///     program blocks if it writes more there than a pipe holds.
  ///   - onLine: Called with each line of its standard error; an error that it throws ends the
  ///     program.
  /// - Returns: How it ended.
  /// - Throws: ``FileError`` if it is not installed or cannot be executed; `CancellationError`; what
  ///   `feed` and `onLine` throw.
  package static func run(
    _ name: String, _ arguments: [String], input: FileDescriptor? = nil,
    output: FileDescriptor? = nil, teardown: [TeardownStep] = [], missing: String,
    feed: () throws -> Void = {}, onLine: (String) throws -> Void
  ) async throws -> TerminationStatus {
    var options = PlatformOptions()
    options.createSession = true
    options.teardownSequence = teardown
    do {
      let result = try await Subprocess.run(
        .name(name), arguments: Arguments(arguments), platformOptions: options,
        input: .fileDescriptor(
          try input ?? openNull(.readOnly), closeAfterSpawningProcess: true),
        output: .fileDescriptor(
          try output ?? openNull(.writeOnly), closeAfterSpawningProcess: true),
        error: .sequence
      ) { execution in
        try feed()
        for try await line in execution.standardError.strings() { try onLine(line) }
      }
      try Task.checkCancellation()
      return result.terminationStatus
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw FileError(FilePath(name), missing)
    } catch let error as SubprocessError where error.code == .spawnFailed {
      // The file exists but is not a program, is for another processor, or is not executable.
      throw FileError(FilePath(name), cannot: "execute", error.underlyingError ?? .execFormatError)
    }
  }

  /// Runs a program in the same way, and returns its standard output without the last line end.
  package static func output(
    of name: String, _ arguments: [String], teardown: [TeardownStep] = [], missing: String,
    onLine: (String) throws -> Void
  ) async throws -> (text: String, status: TerminationStatus) {
    // A file: if nobody read a pipe while lines of the standard error arrive, the program would
    // block.
    let scratch = try ScratchFile(in: ScratchFile.usualDirectory)
    let status = try await run(
      name, arguments, output: try scratch.duplicate(), teardown: teardown, missing: missing,
      onLine: onLine)
    var text = String(
      decoding: try scratch.reopened(as: FilePath(name)).bytes(), as: UTF8.self)
    if text.last == "\n" { text.removeLast() }
    return (text, status)
  }

  private static func openNull(
    _ mode: FileDescriptor.AccessMode
  ) throws(FileError) -> FileDescriptor {
    let path: FilePath = "/dev/null"
    return try FileError.naming(path, cannot: "open") {
      try FileDescriptor.open(path, mode, options: .closeOnExec)
    }
  }
}

extension TerminationStatus {
  /// - Parameter lastLine: The last line of the program's standard error, which says why it failed.
  /// - Throws: ``FileError`` unless `program` has exited with status 0.
  package func check(_ program: String, _ lastLine: String) throws(FileError) {
    if isSuccess { return }
    let ending =
      switch self {
      case .exited(let code): "exited with status \(code)"
      case .signaled(let signal): "killed by signal \(signal)"
      }
    throw FileError(FilePath(program), ending + (lastLine.isEmpty ? "" : ": \(lastLine)"))
  }
}
