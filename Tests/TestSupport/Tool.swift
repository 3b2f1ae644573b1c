// SPDX-License-Identifier: MIT

import Foundation

/// The tool built beside the tests, run in a directory as a user would.
public struct Tool: Sendable {
  public let directory: TemporaryDirectory
  /// The verb, and arguments that precede those of each run.
  public var words: [String]
  /// The tests' environment, without variables that set dates or disable colours; leafroot-init is
  /// in the directory.
  public var environment = ProcessInfo.processInfo.environment

  public init(in directory: TemporaryDirectory, _ words: String...) {
    self.directory = directory
    self.words = words
    environment["LEAFROOT_LIB"] = "."
    environment["SOURCE_DATE_EPOCH"] = nil
    environment["NO_COLOR"] = nil
  }

  /// The command that runs it with more arguments.
  public func command(_ arguments: [String]) -> Command {
    prepared([Command.leafroot] + words + arguments)
  }

  private func prepared(_ words: [String]) -> Command {
    var command = Command(words, in: directory.path)
    command.environment = environment
    return command
  }

  @discardableResult
  public func callAsFunction(_ arguments: String...) throws -> Command.Ended {
    try command(arguments).run()
  }

  @discardableResult
  public func callAsFunction(_ arguments: [String]) throws -> Command.Ended {
    try command(arguments).run()
  }

  /// Runs a script, with the tool as `$leafroot`.
  public func shell(_ script: String) throws -> Command.Ended {
    var command = prepared(["sh", "-c", script])
    command.environment["leafroot"] = Command.leafroot
    return try command.run()
  }

  /// The output of a run on a terminal, which script(1) provides.
  public func onTerminal(_ arguments: String...) throws -> String {
    let line = (["exec", Command.leafroot] + words + arguments).joined(separator: " ")
    let ended = try prepared(["script", "-qc", line, "/dev/null"]).run()
    return ended.output.replacing("\r\n", with: "\n")
  }
}
