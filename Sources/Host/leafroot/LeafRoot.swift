// SPDX-License-Identifier: MIT

import ArgumentParser
import CRevision
import Glibc

/// The host tool.
@main
struct LeafRoot: AsyncParsableCommand {
  /// The version of the tool and of the images that it makes. The Makefile reads it here.
  static let version = "0.1.0-dev"

  /// The output of `--version`: the version, and the commit if the build knew it.
  static let versionLine: String = {
    let commit = String(cString: leafroot_commit())
    return "leafroot \(version)" + (commit.isEmpty ? "" : " (\(commit))")
  }()

  static let configuration = CommandConfiguration(
    commandName: "leafroot",
    abstract: "A root that pivot_root(2) can leave, for systems that live in their initramfs.",
    version: versionLine,
    subcommands: [
      Inspect.self, Unpack.self, Wrap.self, Pack.self, Nest.self, PrintEntry.self, Boot.self,
      Shell.self, Matrix.self, LeastMemory.self,
    ])

  static func main() async {
    StandardStreams.fillGaps()
    do {
      try await run(Array(CommandLine.arguments.dropFirst()))
    } catch {
      end(with: error)
    }
  }

  private static func run(_ arguments: [String]) async throws {
    if let verb = unknownVerb(in: arguments) {
      throw ValidationError("Unexpected argument '\(verb)'")
    }
    var command = try parseAsRoot(GuestCommand.namingWords(in: arguments))
    if var verb = command as? any AsyncParsableCommand {
      try await verb.run()
    } else {
      try command.run()
    }
  }

  /// Ends the process as the argument parser does, but fails if help or the version cannot be
  /// written.
  private static func end(with error: any Error) -> Never {
    let (text, status) = (fullMessage(for: error), exitCode(for: error))
    guard status.isSuccess, !text.isEmpty else { exit(withError: error) }
    do {
      try Output.print(text)
      exit(withError: status)
    } catch {
      if !error.isBrokenPipe { standardError("leafroot: \(error)\n") }
      exit(withError: ExitCode(error.isBrokenPipe ? 128 + SIGPIPE : 2))
    }
  }

  /// The first argument, or the one after `help`, if it is in the place of a verb but is not one.
  ///
  /// The argument parser handles `--help` first, and would print the help of the whole tool.
  static func unknownVerb(in arguments: [String]) -> String? {
    var words = arguments[...]
    if words.first == "help" { words.removeFirst() }
    guard let verb = words.first, !verb.hasPrefix("-"), verb != "help" else { return nil }
    let isKnown = configuration.subcommands.contains { $0._commandName == verb }
    return isKnown ? nil : verb
  }
}
