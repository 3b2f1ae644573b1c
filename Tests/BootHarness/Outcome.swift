// SPDX-License-Identifier: MIT

import Fidelity
import Machines

/// The outcome of a boot.
struct Outcome: CustomStringConvertible {
  let verdict: Verdict
  let console: Console
  /// The command that boots the same machine on a terminal; nil if it did not run in QEMU.
  var replay: String?

  var check: Check? { verdict.check }

  /// The output of the script.
  var output: String { verdict.command?.output ?? "" }

  /// The census in the output.
  var census: Census { Census(output.split(separator: "\n")) }

  /// Whether PID 1 logged `text`.
  func logs(_ text: String) -> Bool { verdict.logged.contains { $0.contains(text) } }

  /// The text for failed expectations.
  var description: String { "\(verdict.outcome.rawValue)\n\(console.text.suffix(6000))" }
}

extension Outcome {
  init(_ run: Run) { self.init(verdict: Verdict(run), console: run.console, replay: run.replay) }
}
