// SPDX-License-Identifier: MIT

import Images
import Machines
import SystemPackage

/// A search for the least memory with which a boot is as promised, and the command succeeds.
struct LeastMemoryBoot: Sendable {
  let images: [Image]
  let kernel: Kernel
  let options: MachineOptions
  let command: [String]
  /// Its multiples are tried, in MiB.
  let resolution: Int
  let isJSON: Bool

  /// No kernel for these machines is smaller, in MiB.
  private static let least = 32

  private var most: ByteSize { options.memory ?? ByteSize(mebibytes: 2048) }

  /// - Returns: the exit status.
  func run() async throws -> Int32 {
    try MachineOptions.warn(of: images)
    let directory = try RunDirectory.temporary()
    defer { directory.remove() }
    let machine = try options.machine(images, command, kernel, most, in: directory)
    let line = ProgressLine()
    line.begin("searching for the least memory up to \(most): \(kernel.path)")
    defer { line.end() }

    var report = LeastMemoryReport(resolution: resolution)
    // If the most is not enough, memory is not the reason.
    let run = try await machine.run(
      log: directory.log, onProgress: { line.update($0, label: "\(most)  ") })
    let verdict = Verdict(run)
    note(most.mebibytes, verdict, in: &report, line)
    guard isEnough(verdict) else {
      let failure = BootReport(
        verdict, directory: nil, log: nil, replay: nil, accelerator: run.accelerator.rawValue)
      try Output.print(isJSON ? json(failure) : failure.table())
      standardError(
        "leafroot: \(images[0].name): not enough memory with \(most), or another defect\n")
      return max(verdict.exitStatus, 1)
    }

    report.leastMemory = most.mebibytes
    if most.mebibytes > Self.least {
      let search = LeastMemorySearch(within: Self.least...most.mebibytes - 1, step: resolution)
      let found = try await search.find(
        for: machine, log: directory.log, isEnough: isEnough,
        onProgress: { line.update($1, label: "\($0)M  ") },
        onBoot: { note($0, $1, in: &report, line) })
      report.leastMemory = found ?? most.mebibytes
    }
    line.end()
    try Output.print(isJSON ? json(report) : report.table())
    return 0
  }

  /// Without LeafRoot nothing is promised but the whole tree.
  private func isEnough(_ verdict: Verdict) -> Bool {
    let isRight =
      options.stock
      ? verdict.check != nil && verdict.command.map { $0.status == 0 } ?? true
      : verdict.exitStatus == 0
    return isRight && !verdict.isHalfUnpacked
  }

  private func note(
    _ mebibytes: Int, _ verdict: Verdict, in report: inout LeastMemoryReport, _ line: ProgressLine
  ) {
    let boot = LeastMemoryReport.Boot(mebibytes, verdict, isEnough: isEnough(verdict))
    report.boots.append(boot)
    line.end()
    line.begin("\(ByteSize(mebibytes: mebibytes)): \(boot.description)")
  }
}
