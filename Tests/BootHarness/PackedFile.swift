// SPDX-License-Identifier: MIT

import Foundation
import Machines
import SystemPackage
import TestSupport

/// An image that is packed or nested once, and booted often.
struct PackedFile {
  enum Form: CaseIterable {
    case packed, nested
    /// The image as a file that a boot loader makes: PID 1 does not know the tree's size.
    case injected
  }

  /// The MiB that it needs, as `leafroot inspect` says.
  let predicted: Int
  private let boot: Boot

  /// By the tool that `make build` leaves: the one beside the tests is not optimized, and takes
  /// minutes for what is large.
  ///
  /// - Parameter kernel: as ``Place/kernel(_:)`` names it.
  init(_ source: FilePath, _ form: Form, for kernel: String = "6.12-x86_64") throws {
    let directory = try TemporaryDirectory()
    let path = directory.path.appending("packed.img")
    switch form {
    case .packed, .nested:
      let verb = form == .packed ? "pack" : "nest"
      _ = try Command([Place.tool.string, verb, source.string, "-o", path.string]).output()
    case .injected:
      _ = try Command([Place.tool.string, "nest", "--segment", "-o", path.string]).output()
      try directory.file("packed.img", bytes(of: path) + injected(bytes(of: source)))
    }
    let report = try Command([Place.tool.string, "inspect", "--json", path.string]).output()
    predicted = try JSONDecoder().decode(Report.self, from: Data(report)).payload.memory
    boot = Boot(kernel: kernel, image: try bytes(of: path), timeout: .seconds(1800))
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
    var boot = boot
    (boot.memory, boot.cpus) = (memory, cpus)
    if isCounted { boot.adjust = { $0.countsInstructions = true } }
    return try await boot.run(command)
  }
}
