// SPDX-License-Identifier: MIT

import Foundation
import Machines
import SystemPackage
import TestSupport

/// An image that is packed or nested once and booted often.
struct PackedFile {
  enum Form: CaseIterable {
    case packed, nested
    /// Packed with `--squash /usr`.
    case squashed
    /// The image as a file made by a boot loader: PID 1 does not know the size of the tree.
    case injected
  }

  /// The MiB that it needs, according to `leafroot inspect`.
  let predicted: Int
  /// The same with ``largeRootfs``.
  let predictedLarge: Int
  private let boot: Boot

  /// The kernel parameter with which rootfs may take nearly all memory.
  static let largeRootfs = "initramfs_options=size=90%"

  /// Packs with the tool from `make build`: the one beside the tests is not optimized, and takes
  /// minutes for large sources.
  ///
  /// - Parameter kernel: The kernel's name, as for ``Place/kernel(_:)``.
  init(_ source: FilePath, _ form: Form, for kernel: String = "6.12-x86_64") throws {
    let directory = try TemporaryDirectory()
    let path = directory.path.appending("packed.img")
    switch form {
    case .packed, .nested, .squashed:
      let verb = form == .nested ? "nest" : "pack"
      let squash = form == .squashed ? Self.squash(kernel) : []
      _ = try Command([Place.tool.string, verb, source.string, "-o", path.string] + squash).output()
    case .injected:
      _ = try Command([Place.tool.string, "nest", "--segment", "-o", path.string]).output()
      try directory.file("packed.img", bytes(of: path) + injected(bytes(of: source)))
    }
    let report = try Command([Place.tool.string, "inspect", "--json", path.string]).output()
    let payload = try JSONDecoder().decode(Report.self, from: Data(report)).payload
    predicted = payload.memory
    predictedLarge = payload.squashfs?.large ?? payload.memory
    boot = Boot(kernel: kernel, image: try bytes(of: path), timeout: .seconds(1800))
  }

  /// The output of `leafroot inspect --json`.
  private struct Report: Decodable {
    struct Payload: Decodable {
      var memory: Int
      var squashfs: Squashfs?
    }
    struct Squashfs: Decodable { var large: Int? }
    var payload: Payload
  }

  private static func squash(_ kernel: String) -> [String] {
    let modules = Place.kernel(kernel).removingLastComponent().appending("modules")
    return ["--squash", "/usr", "--modules", modules.string]
  }

  /// Boots it with `memory` MiB and runs the check.
  ///
  /// - Parameters:
  ///   - append: Further kernel parameters.
  ///   - isCounted: Whether guest time counts instructions.
  func boot(
    _ memory: Int, _ cpus: Int = 1, append: [String] = [], command: String = "",
    isCounted: Bool = false
  ) async throws -> Outcome {
    var boot = boot
    (boot.memory, boot.cpus) = (memory, cpus)
    boot.append += append
    if isCounted { boot.adjust = { $0.countsInstructions = true } }
    return try await boot.run(command)
  }
}
