// SPDX-License-Identifier: MIT

import ArgumentParser

/// The command after `--`, which runs in the guest after the check.
struct GuestCommand: ParsableArguments {
  @Option(
    name: .customLong(GuestCommand.word), help: .private, transform: { String($0.dropFirst()) })
  var words: [String] = []

  private static let word = "command-word"

  private static let verbs = [Boot.self, Matrix.self, LeastMemory.self].map { verb in
    (verb as any ParsableCommand.Type)._commandName
  }

  /// Turns `boot IMAGE… -- WORD…` into `boot IMAGE… --command-word=:WORD…`.
  ///
  /// The argument parser does not accept a list after another list, not even after `--`. The colon
  /// protects empty words, which the parser takes for missing ones.
  static func namingWords(in arguments: [String]) -> [String] {
    guard let verb = arguments.first, verbs.contains(verb),
      let terminator = arguments.firstIndex(of: "--")
    else { return arguments }
    return arguments[..<terminator] + arguments[(terminator + 1)...].map { "--\(word)=:\($0)" }
  }
}
