// SPDX-License-Identifier: MIT

import ArgumentParser
import CRevision

/// The host tool.
@main
struct LeafRoot: AsyncParsableCommand {
  /// The version of the tool, and of the images that it makes. The Makefile reads it here.
  static let version = "0.1.0-dev"

  /// What `--version` prints: the version, and the commit if the build knew it.
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
    ])

  static func main() async {
    let arguments = Array(CommandLine.arguments.dropFirst())
    if let verb = unknownVerb(in: arguments) {
      exit(withError: ValidationError("Unexpected argument '\(verb)'"))
    }
    await main(Boot.namingCommand(in: arguments))
  }

  /// The first argument, or the one after `help`, if it should be a verb and is not one.
  ///
  /// The argument parser looks for `--help` first, and would print the help of the whole tool.
  static func unknownVerb(in arguments: [String]) -> String? {
    var words = arguments[...]
    if words.first == "help" { words.removeFirst() }
    guard let verb = words.first, !verb.hasPrefix("-"), verb != "help" else { return nil }
    let isKnown = configuration.subcommands.contains { $0._commandName == verb }
    return isKnown ? nil : verb
  }
}
