// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import Machines
import SystemPackage

/// The common options of `boot` and `shell`, and the boot itself.
struct BootOptions: ParsableArguments {
  @OptionGroup var booted: BootedImages
  @OptionGroup(title: "Machine") var machine: MachineOptions
  @OptionGroup(title: "Result") var files: RunFiles

  /// Boots and prints the verdict; after a shell that ended, only if the files are kept.
  ///
  /// - Parameter settings: ``MachineOptions/settings(_:)``, with a terminal for a shell.
  /// - Returns: The exit status; if there is a shell and it ended, its status.
  func boot(_ settings: BootSettings, isJSON: Bool = false) async throws -> Int32 {
    let images = try booted.open()
    let kernel = try await booted.kernel(for: machine.arch)
    try booted.warn(of: kernel, images)
    let directory = try RunDirectory.temporary()
    let console = BootConsole()
    let machine: Machine
    let relay: ConsoleRelay?
    do {
      machine = try self.machine.machine(images, kernel, settings, in: directory)
      relay = try settings.terminal.map { _ in
        try ConsoleRelay(in: directory) { console.beginShell($0) }
      }
    } catch {
      directory.remove()
      throw error
    }
    console.begin("booting \(kernel.path): memory \(settings.memory), processors \(settings.cpus)")
    let run = try await run(machine, relay, in: directory, console, isJSON)

    var verdict = Verdict(run)
    let shellStatus = settings.terminal.flatMap { _ in verdict.command?.status }.map(Int32.init)
    // If the shell did not end, the machine ended too early.
    let status = settings.terminal == nil ? verdict.exitStatus : shellStatus ?? 2
    let isKept = files.keep || (shellStatus == nil && status != 0)
    if isKept { directory.keep() } else { directory.remove() }
    if shellStatus != nil, !isKept { return status }

    if isKept || files.log != nil { verdict.keep(isKept ? directory.path : nil, of: run) }
    try console.finish(isJSON ? json(verdict) : verdict.table())
    return status
  }

  private func run(
    _ machine: Machine, _ relay: ConsoleRelay?, in directory: RunDirectory,
    _ console: BootConsole, _ isJSON: Bool
  ) async throws -> Run {
    defer { console.end() }
    do {
      return try await machine.run(
        log: files.log ?? directory.log, relay: relay,
        onOutput: { bytes in
          // The JSON object at the end contains the output.
          if !isJSON { try console.print(bytes) }
        }, onProgress: { console.update($0) })
    } catch let error as FileError where !Task.isCancelled && !error.isBrokenPipe {
      console.end()
      directory.keep()
      standardError("leafroot: kept \(directory.path)\n")
      throw error
    } catch {
      directory.remove()
      throw error
    }
  }
}
