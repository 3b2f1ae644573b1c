// SPDX-License-Identifier: MIT

import Files
import Initramfs
import Machine
import SystemPackage

/// One boot, and its verdict.
struct SingleBoot: Sendable {
  let images: [FilePath]
  let kernel: Kernel
  let options: MachineOptions
  let command: [String]
  /// What the run leaves; see the options of ``Boot``.
  let log: FilePath?
  let isKept: Bool
  let isJSON: Bool

  private var memory: MemorySize { options.memory ?? .ofBoot }

  /// - Returns: the exit status.
  func run() async throws -> Int32 {
    let directory = try RunDirectory.temporary()
    let machine: Machine
    do {
      machine = try options.machine(images, command, kernel, memory, in: directory)
    } catch {
      directory.remove()
      throw error
    }
    let output = LiveOutput()
    let run = try await run(machine, in: directory, output)

    let verdict = Verdict(run)
    let isKept = isKept || verdict.exitStatus != 0
    if isKept { directory.keep() } else { directory.remove() }
    let report = BootReport(
      verdict, directory: isKept ? directory.path.string : nil,
      log: isKept || log != nil ? run.log.string : nil, replay: isKept ? run.replay : nil,
      accelerator: run.accelerator.rawValue)
    try output.finish(isJSON ? json(report) : report.table())
    return verdict.exitStatus
  }

  private func run(
    _ machine: Machine, in directory: RunDirectory, _ output: LiveOutput
  ) async throws -> Run {
    output.begin("booting \(kernel.path): memory \(memory), processors \(options.cpus)")
    defer { output.end() }
    do {
      return try await machine.run(
        log: log ?? directory.log,
        // One JSON object has it at the end.
        onOutput: { if !isJSON { try output.print($0) } }, onProgress: { output.update($0) })
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
