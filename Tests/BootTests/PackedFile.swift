// SPDX-License-Identifier: MIT

import Files
import Importing
import Inspection
import Machine
import Packing
import SystemPackage

/// An image that is packed or nested once, and booted often.
struct PackedFile {
  enum Form: CaseIterable { case packed, nested }

  let path: FilePath
  /// The MiB that it needs, as `leafroot inspect` says.
  let predicted: Int
  private let program: GuestInit
  private let kernel: Kernel

  /// One that is packed already.
  init(packed path: FilePath) throws {
    self.path = path
    predicted = 0
    kernel = try Kernel(Place.kernel("6.12-x86_64"))
    program = try GuestInit(Place.library.appending("leafroot-init.x86_64"), for: .x86)
  }

  init(
    _ source: FilePath, _ form: Form, in directory: FilePath, kernel name: String = "6.12-x86_64"
  ) throws {
    path = directory.appending("packed.img")
    kernel = try Kernel(Place.kernel(name))
    program = try GuestInit(Place.library.appending("leafroot-init.x86_64"), for: .x86)
    let unpacker = try GuestInit(Place.library.appending("leafroot-unpack.x86_64"), for: .x86)
    let totals = try Inspection(InputFile(source)).totals
    switch form {
    case .packed:
      let packer = Packer(.zstd(level: 10), jobs: 2, memberSize: 16 << 20)
      _ = try packer.write(ImageTree(source), unpacker, into: path)
    case .nested: _ = try Nester().write(source, totals, unpacker, into: path)
    }
    predicted = MemoryNeed.packed(try Inspection(InputFile(path)).memory, totals)
  }

  /// Boots it and checks, in so many MiB; again after an oops of the emulator's own, see BootSeries.
  /// - Parameter isCounted: guest time counts instructions.
  func boot(
    _ memory: Int, _ cpus: Int = 1, command: String = "", isCounted: Bool = false
  ) async throws -> Outcome {
    for _ in 1...2 {
      let outcome = try await attempt(memory, cpus, command: command, isCounted: isCounted)
      if !outcome.console.text.contains("int3: 0000 [#") { return outcome }
    }
    return try await attempt(memory, cpus, command: command, isCounted: isCounted)
  }

  private func attempt(
    _ memory: Int, _ cpus: Int, command: String, isCounted: Bool
  ) async throws -> Outcome {
    try await Gate.shared.pass {
      let directory = try RunDirectory.temporary()
      defer { directory.remove() }
      var checked = CheckedBoot([path], program: program)
      if !command.isEmpty { checked.command = ["/bin/busybox", "sh", "-c", command] }
      var machine = try checked.machine(kernel: kernel, in: directory)
      (machine.memory, machine.cpus, machine.timeout) = (memory, cpus, .seconds(1800))
      machine.countsInstructions = isCounted
      let run = try await machine.run(log: directory.log)
      return Outcome(verdict: Verdict(run), console: run.console)
    }
  }
}
