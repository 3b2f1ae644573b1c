// SPDX-License-Identifier: MIT

import ArgumentParser
import Images
import Machines

/// `leafroot least-memory`: finds the least memory with which images boot as promised.
struct LeastMemory: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Find the least memory with which an initramfs boots as promised.",
    usage: "leafroot least-memory <image> ... --kernel <kernel> [<options>] [-- <command> ...]",
    discussion: """
      least-memory boots as 'leafroot boot' does, with different memory sizes up to --memory. \
      A boot counts if it is as promised, the image is complete, and COMMAND, if given, exits \
      with 0. With --stock, the boot only needs to reach the check.

      Exit status: 0 found; 1 not as promised even with the most memory; 2 the boot did not reach \
      the check; 3 as promised, but COMMAND failed; 64 usage error; 128 + N ended by signal N.
      """)

  @OptionGroup var booted: BootedImages
  @OptionGroup(title: "Machine") var machine: MachineOptions

  @Option(help: ArgumentHelp("Try multiples of this size.", valueName: "size"))
  var resolution = ByteSize(mebibytes: 4)

  @Flag(help: "Print the result as JSON.")
  var json = false

  @OptionGroup var command: GuestCommand

  /// The smallest memory to try, in MiB: no kernel for these machines is smaller.
  private static let least = 32

  func run() async throws { try await asVerb { try await search() } }

  private func search() async throws -> Int32 {
    let images = try booted.open()
    let kernel = try await booted.kernel(for: machine.arch)
    try booted.warn(of: kernel, images)
    let most = machine.memory ?? ByteSize(mebibytes: 2048)
    var settings = machine.settings(command.words)
    settings.memory = most
    let directory = try RunDirectory.temporary()
    defer { directory.remove() }
    let machine = try self.machine.machine(images, kernel, settings, in: directory)
    let line = ProgressLine()
    line.begin("searching for the least memory up to \(most): \(kernel.path)")
    defer { line.end() }

    var report = LeastMemoryReport(resolution: resolution.mebibytes)
    // If the maximum is not enough, memory is not the cause.
    let run = try await machine.run(
      log: directory.log, onProgress: { line.update($0, label: "\(most)  ") })
    let verdict = Verdict(run)
    note(most.mebibytes, verdict, in: &report, line)
    guard isEnough(verdict) else {
      try Output.print(json ? leafroot.json(verdict) : verdict.table())
      standardError(
        "leafroot: \(images[0].name): not enough memory with \(most), or another defect\n")
      return max(verdict.exitStatus, 1)
    }

    report.leastMemory = most.mebibytes
    if most.mebibytes > Self.least {
      let search = LeastMemorySearch(
        within: Self.least...most.mebibytes - 1, step: resolution.mebibytes)
      let found = try await search.find(
        for: machine, log: directory.log, isEnough: isEnough,
        onProgress: { line.update($1, label: "\($0)M  ") },
        onBoot: { note($0, $1, in: &report, line) })
      report.leastMemory = found ?? most.mebibytes
    }
    line.end()
    try Output.print(json ? leafroot.json(report) : report.table())
    return 0
  }

  /// Without LeafRoot, only the whole tree is promised.
  private func isEnough(_ verdict: Verdict) -> Bool {
    let isRight =
      machine.stock
      ? verdict.check != nil && verdict.command.map { $0.status == 0 } ?? true
      : verdict.exitStatus == 0
    return isRight && !verdict.isHalfUnpacked
  }

  private func note(
    _ mebibytes: Int, _ verdict: Verdict, in report: inout LeastMemoryReport, _ line: ProgressLine
  ) {
    let boot = LeastMemoryReport.Attempt(mebibytes, verdict, isEnough: isEnough(verdict))
    report.boots.append(boot)
    line.end()
    line.begin("\(ByteSize(mebibytes: mebibytes)): \(boot)")
  }
}
