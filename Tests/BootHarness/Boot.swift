// SPDX-License-Identifier: MIT

import Fidelity
import Files
import Foundation
import Images
import Importing
import Initramfs
import Machines
import Packing
import SystemPackage
import Testing

/// One boot of a test: a stock kernel, a small system with busybox, and what to run in it.
struct Boot {
  var kernel = "6.12-x86_64"
  var tree = GuestTree()
  /// Images before the tree, as they are. `append` must then ask for PID 1.
  var front: [FilePath] = []
  /// Images behind the tree, as they are.
  var images: [FilePath] = []
  /// Without it, the kernel boots the tree as it would without us.
  var hasLeaf = true
  /// How the tree is packed; nil for a tree that the kernel unpacks.
  var packed: PackedImage?
  /// `leafroot pack` packs the tree like this; nil for a tree that it has not packed.
  var packer: Packer?
  /// `leafroot nest` nests the tree like this.
  var nester: Nester?
  /// Whether the images become a part of the tree that is packed or nested.
  var packsImages = false
  /// What is packed in place of the tree.
  var source: PackSource?
  /// Words for the kernel.
  var append: [String] = []
  /// In MiB.
  var memory = 256
  var cpus = 1
  var timeout = Duration.seconds(180)

  /// Boots, runs the check and `script` in the guest's shell, and says what was seen.
  func run(_ script: String = "") async throws -> Outcome {
    try await Gate.shared.pass { try await boot(script) }
  }

  private func boot(_ script: String) async throws -> Outcome {
    let directory = try RunDirectory.temporary()
    defer { directory.remove() }

    let kernel = try Kernel(Place.kernel(kernel))
    let program = try GuestInit(
      Place.library.appending("leafroot-init.\(kernel.architecture)"), for: kernel.architecture)

    var first = try Segment(packed?.records(of: tree.records) ?? tree.records).bytes
    if hasLeaf, packed == nil, packer == nil, nester == nil {
      first = Segment.leaf(program).bytes + first
    }
    if packsImages { for image in images { first += try bytes(of: image) } }
    var image = directory.path.appending("tree.img")
    try Data(first).write(to: URL(filePath: image.string))
    if packer != nil || nester != nil {
      image = try pack(image, into: directory.path.appending("packed.img"), kernel.architecture)
    }

    let paths = front + [image] + (packsImages ? [] : images)
    var checked = CheckedBoot(try paths.map { try Image(path: $0) }, program: program)
    checked.isStock = !hasLeaf
    checked.append = append
    if !script.isEmpty { checked.command = ["/bin/busybox", "sh", "-c", script] }

    var machine = try checked.machine(kernel: kernel, in: directory)
    machine.memory = memory
    machine.cpus = cpus
    machine.timeout = timeout
    let run = try await machine.run(log: directory.log)
    return Outcome(verdict: Verdict(run), console: run.console)
  }
}

extension Boot {
  /// Packs or nests the tree as `leafroot` does.
  private func pack(
    _ image: FilePath, into output: FilePath, _ architecture: Architecture
  ) throws -> FilePath {
    let program = try GuestInit(
      Place.library.appending("leafroot-init.\(architecture)"), for: architecture)
    if let packer {
      let tree = try source?.tree { _, _ in } ?? ImageTree(Image(path: image))
      _ = try packer.write(tree, program, into: output)
    } else if let nester {
      let inspection = try Inspection(InputFile(image), of: image)
      _ = try nester.write(Image(path: image), inspection, program, into: output)
    }
    return output
  }
}
