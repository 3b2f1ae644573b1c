// SPDX-License-Identifier: MIT

import Machines
import Subprocess
import SystemPackage

/// A program that is a machine: user-mode Linux, or QEMU as a boot loader needs it.
struct ConsoleProgram {
  /// The program and its arguments.
  var words: [String]
  /// Where it runs; nil is here.
  var directory: FilePath?
  /// The file that it writes the console to; nil for its output.
  var log: FilePath?
  var timeout: Duration

  /// Runs it to its end, or until timeout(1) kills it with all that it has started.
  func run() async throws -> Outcome {
    let start = ContinuousClock.now
    let arguments = ["--signal=KILL", "\(timeout.components.seconds)"] + words
    let result = try await Subprocess.run(
      .name("timeout"), arguments: Arguments(arguments), workingDirectory: directory,
      platformOptions: apart, input: .none, output: .bytes(limit: 16 << 20),
      error: .combinedWithOutput)
    // timeout(1), EXIT STATUS: it may have killed itself with the others.
    let isLate = [.exited(137), .signaled(9)].contains(result.terminationStatus)
    let console = Console(log.flatMap { try? bytes(of: $0) } ?? result.standardOutput)
    let verdict = Verdict(
      console, ending: isLate ? .timedOut : .byGuest, elapsed: ContinuousClock.now - start)
    return Outcome(verdict: verdict, console: console)
  }

  /// A session of its own, so that a terminal's Ctrl-C does not reach the guest's console.
  private var apart: PlatformOptions {
    var options = PlatformOptions()
    options.createSession = true
    return options
  }
}
