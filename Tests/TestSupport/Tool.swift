// SPDX-License-Identifier: MIT

import Foundation

/// The tool that was built beside the tests, run in a directory as people run it.
public struct Tool: Sendable {
  public let directory: TemporaryDirectory
  /// The verb, and arguments before those of a run.
  public var words: [String]
  /// Our own, without what dates files and forbids colours; leafroot-init is in the directory.
  public var environment = ProcessInfo.processInfo.environment

  public init(in directory: TemporaryDirectory, _ words: String...) {
    self.directory = directory
    self.words = words
    environment["LEAFROOT_LIB"] = "."
    environment["SOURCE_DATE_EPOCH"] = nil
    environment["NO_COLOR"] = nil
  }

  /// What runs it with more arguments.
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

  /// What a terminal shows of a run: script(1) writes what it gets.
  public func onTerminal(_ arguments: String...) throws -> String {
    let line = (["exec", Command.leafroot] + words + arguments).joined(separator: " ")
    let ended = try prepared(["script", "-qc", line, "/dev/null"]).run()
    return ended.output.replacing("\r\n", with: "\n")
  }
}
