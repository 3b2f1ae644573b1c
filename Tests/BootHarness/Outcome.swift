// SPDX-License-Identifier: MIT

import Fidelity
import Machines

/// What a boot showed.
struct Outcome: CustomStringConvertible {
  let verdict: Verdict
  let console: Console
  /// The command that boots the same machine on a terminal; nil if it was not QEMU's.
  var replay: String?

  var check: Check? { verdict.check }

  /// What the script printed.
  var output: String { verdict.command?.output ?? "" }

  /// The census that it printed.
  var census: Census { Census(output.split(separator: "\n")) }

  /// Whether PID 1 said so.
  func logs(_ text: String) -> Bool { verdict.logged.contains { $0.contains(text) } }

  /// What a failed expectation shows.
  var description: String { "\(verdict.outcome.rawValue)\n\(console.text.suffix(6000))" }
}

extension Outcome {
  init(_ run: Run) { self.init(verdict: Verdict(run), console: run.console, replay: run.replay) }
}
