// SPDX-License-Identifier: MIT

import Foundation
import Machines
import SystemPackage
import TestSupport

/// An image that is packed or nested once and booted often.
struct PackedFile {
  enum Form: CaseIterable {
    case packed, nested
    /// The image as a file made by a boot loader: PID 1 does not know the size of the tree.
    case injected
  }

  /// The MiB that it needs, according to `leafroot inspect`.
  let predicted: Int
  private let boot: Boot

  /// Packs with the tool from `make build`: the one beside the tests is not optimized, and takes
  /// minutes for large sources.
  ///
  /// - Parameter kernel: The kernel's name, as for ``Place/kernel(_:)``.
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

  /// The output of `leafroot inspect --json`.
  private struct Report: Decodable {
    struct Payload: Decodable { var memory: Int }
    var payload: Payload
  }

  /// Boots it with `memory` MiB and runs the check.
  /// - Parameter isCounted: Whether guest time counts instructions.
  func boot(
    _ memory: Int, _ cpus: Int = 1, command: String = "", isCounted: Bool = false
  ) async throws -> Outcome {
    var boot = boot
    (boot.memory, boot.cpus) = (memory, cpus)
    if isCounted { boot.adjust = { $0.countsInstructions = true } }
    return try await boot.run(command)
  }
}
