// SPDX-License-Identifier: MIT

import Machines
import Subprocess
import SystemPackage

/// A program that acts as a machine: user-mode Linux, or QEMU as set up for a boot loader.
struct ConsoleProgram {
  /// The program and its arguments.
  var words: [String]
  /// The working directory; nil for the current one.
  var directory: FilePath?
  /// The file to which it writes the console; nil for its standard output.
  var log: FilePath?
  var timeout: Duration

  /// Runs it until it ends, or until timeout(1) kills it and everything that it started.
  func run() async throws -> Outcome {
    let start = ContinuousClock.now
    let arguments = ["--signal=KILL", "\(timeout.components.seconds)"] + words
    let result = try await Subprocess.run(
      .name("timeout"), arguments: Arguments(arguments), workingDirectory: directory,
      platformOptions: apart, input: .none, output: .bytes(limit: 16 << 20),
      error: .combinedWithOutput)
    // timeout(1), EXIT STATUS: it may have killed itself together with the others.
    let isLate = [.exited(137), .signaled(9)].contains(result.terminationStatus)
    let console = Console(log.flatMap { try? bytes(of: $0) } ?? result.standardOutput)
    let verdict = Verdict(
      console, ending: isLate ? .timedOut : .byGuest, elapsed: ContinuousClock.now - start)
    return Outcome(verdict: verdict, console: console)
  }

  /// A session of its own, so that the terminal's Ctrl-C does not reach the guest's console.
  private var apart: PlatformOptions {
    var options = PlatformOptions()
    options.createSession = true
    return options
  }
}
