// SPDX-License-Identifier: MIT

import Foundation
import Images
import Machines
import OddImages
import Packing
import SystemPackage
import TestSupport

/// An image that is packed or nested once, and booted often.
struct PackedFile {
  enum Form: CaseIterable {
    case packed, nested
    /// The image as a file that a boot loader makes: PID 1 does not know the tree's size.
    case injected
  }

  let path: FilePath
  /// The MiB that it needs, as `leafroot inspect` says.
  let predicted: Int
  private let program: GuestInit
  private let kernel: Kernel

  /// One that is packed already; its need is not asked for.
  init(packed path: FilePath) throws {
    try self.init(path, predicted: 0, kernel: "6.12-x86_64")
  }

  /// By the tool that `make build` leaves: the one beside the tests is not optimized, and takes
  /// minutes for what is large.
  ///
  /// - Parameter kernel: as ``Place/kernel(_:)`` names it.
  init(
    _ source: FilePath, _ form: Form, for kernel: String = "6.12-x86_64", in directory: FilePath
  ) throws {
    let path = directory.appending("packed.img")
    switch form {
    case .packed, .nested:
      let verb = form == .packed ? "pack" : "nest"
      _ = try Command([Place.tool.string, verb, source.string, "-o", path.string]).output()
    case .injected:
      _ = try Command([Place.tool.string, "nest", "--segment", "-o", path.string]).output()
      let image = try Data(contentsOf: URL(filePath: source.string))
      let segment = try FileHandle(forWritingTo: URL(filePath: path.string))
      try segment.seekToEnd()
      try segment.write(contentsOf: Data(injected(Array(image))))
      try segment.close()
    }
    let report = try Command([Place.tool.string, "inspect", "--json", path.string]).output()
    let memory = try JSONDecoder().decode(Report.self, from: Data(report)).payload.memory
    try self.init(path, predicted: memory, kernel: kernel)
  }

  private init(_ path: FilePath, predicted: Int, kernel: String) throws {
    self.path = path
    self.predicted = predicted
    self.kernel = try Kernel(Place.kernel(kernel))
    program = try GuestInit(Place.library.appending("leafroot-init.x86_64"), for: .x86)
  }

  /// Of `leafroot inspect --json`.
  private struct Report: Decodable {
    struct Payload: Decodable { var memory: Int }
    var payload: Payload
  }

  /// Boots it and checks, in so many MiB.
  /// - Parameter isCounted: guest time counts instructions.
  func boot(
    _ memory: Int, _ cpus: Int = 1, command: String = "", isCounted: Bool = false
  ) async throws -> Outcome {
    try await Gate.shared.pass {
      let directory = try RunDirectory.temporary()
      defer { directory.remove() }
      var checked = CheckedBoot([try Image(path: path)], program: program)
      if !command.isEmpty { checked.command = ["/bin/busybox", "sh", "-c", command] }
      var machine = try checked.machine(kernel: kernel, in: directory)
      (machine.memory, machine.cpus, machine.timeout) = (memory, cpus, .seconds(1800))
      machine.countsInstructions = isCounted
      let run = try await machine.run(log: directory.log)
      return Outcome(verdict: Verdict(run), console: run.console)
    }
  }
}

/// The archive that a boot loader makes of an image that it puts behind the segment of nest.
func injected(_ image: [UInt8]) -> [UInt8] {
  archive([OddRecord(Array(".leafroot/nested/0000".utf8), mode: 0o100600, data: image)])
}
