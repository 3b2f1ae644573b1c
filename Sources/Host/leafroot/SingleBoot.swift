// SPDX-License-Identifier: MIT

import Files
import Images
import Machines
import SystemPackage

/// One boot, and its verdict.
struct SingleBoot: Sendable {
  let images: [Image]
  let kernel: Kernel
  let options: MachineOptions
  let command: [String]
  /// The terminal for a shell in the place of the command; nil for none.
  let terminal: Terminal?
  /// What the run leaves; see ``RunFiles``.
  let log: FilePath?
  let isKept: Bool
  let isJSON: Bool

  private var memory: ByteSize { options.memory ?? .ofBoot }

  /// - Returns: the exit status; that of the shell, if there is one and it ended.
  func run() async throws -> Int32 {
    try MachineOptions.warn(of: images)
    let directory = try RunDirectory.temporary()
    let output = BootConsole()
    let machine: Machine
    let relay: ConsoleRelay?
    do {
      machine = try options.machine(
        images, terminal == nil ? command : ["/bin/sh"], kernel, memory, in: directory,
        on: terminal)
      relay = try terminal.map { _ in try ConsoleRelay(in: directory) { begin($0, output) } }
    } catch {
      directory.remove()
      throw error
    }
    let run = try await run(machine, relay, in: directory, output)

    let verdict = Verdict(run)
    let shellStatus = terminal.flatMap { _ in verdict.command?.status }.map(Int32.init)
    // A shell that did not end is a machine that ended too early.
    let status = terminal == nil ? verdict.exitStatus : shellStatus ?? 2
    let isKept = isKept || (shellStatus == nil && status != 0)
    if isKept { directory.keep() } else { directory.remove() }
    if shellStatus != nil, !isKept { return status }

    let report = BootReport(
      verdict, directory: isKept ? directory.path.string : nil,
      log: isKept || log != nil ? run.log.string : nil, replay: isKept ? run.replay : nil,
      accelerator: run.accelerator.rawValue)
    try output.finish(isJSON ? json(report) : report.table())
    return status
  }

  /// Announces the shell.
  private func begin(_ check: Check, _ output: BootConsole) {
    output.beginShell()
    let outcome: Verdict.Outcome = check.asPromised ? .asPromised : .notAsPromised
    standardError(
      """
      leafroot: \(outcome.rawValue)
      leafroot: exit leaves this shell, Ctrl-] three times stops the machine

      """)
  }

  private func run(
    _ machine: Machine, _ relay: ConsoleRelay?, in directory: RunDirectory, _ output: BootConsole
  ) async throws -> Run {
    output.begin("booting \(kernel.path): memory \(memory), processors \(options.cpus)")
    defer { output.end() }
    do {
      return try await machine.run(
        log: log ?? directory.log, relay: relay,
        onOutput: { bytes in
          // One JSON object has it at the end.
          if !isJSON { try output.print(bytes) }
        }, onProgress: { output.update($0) })
    } catch let error as FileError where !Task.isCancelled && !error.isBrokenPipe {
      output.end()
      directory.keep()
      standardError("leafroot: kept \(directory.path)\n")
      throw error
    } catch {
      directory.remove()
      throw error
    }
  }
}
