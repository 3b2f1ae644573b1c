// SPDX-License-Identifier: MIT

import ArgumentParser

/// The host tool.
@main
struct LeafRoot: AsyncParsableCommand {
  /// The version of the tool, and of the images that it makes.
  static let version = "0.1.0-dev"

  static let configuration = CommandConfiguration(
    commandName: "leafroot",
    abstract: "A root that pivot_root(2) can leave, for systems that live in their initramfs.",
    version: version,
    subcommands: [Inspect.self, Unpack.self, Wrap.self, Boot.self])

  static func main() async {
    await main(Boot.namingCommand(in: Array(CommandLine.arguments.dropFirst())))
  }
}
