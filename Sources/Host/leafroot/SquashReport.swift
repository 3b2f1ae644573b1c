// SPDX-License-Identifier: MIT

import BootFacts
import Files
import Importing
import Packing

/// What `pack` prints about the squashed part of a tree.
struct SquashReport {
  let image: Squash
  private let parts: SquashedTree
  private let modules: KernelModules.Found

  init(_ parts: SquashedTree, _ image: Squash, _ modules: KernelModules.Found) {
    self.parts = parts
    self.image = image
    self.modules = modules
  }

  private var directories: String {
    parts.directories.map(\.description).joined(separator: ", ")
  }

  func report(_ summary: Packer.Summary) -> [String] {
    var lines: [String] = []
    if let squashed = summary.squashed {
      lines.append(
        "squashfs: \(image.size) bytes; \(squashed.entries) entries, \(squashed.bytes) bytes of "
          + "content of \(directories)")
    }
    let releases = modules.kernels.map(\.release).joined(separator: ", ")
    lines.append("kernels that can mount it: \(releases)")
    lines.append("memory that the root keeps: \((summary.kept + (1 << 20) - 1) >> 20) MiB")
    return lines + copied
  }

  /// The files that are on both sides of a border.
  private var copied: [String] {
    if parts.copied.isEmpty { return [] }
    let count = parts.copied.count
    let names = parts.copied.prefix(3).map { quoted($0) }.joined(separator: ", ")
    return [
      "copied \(count) \(count == 1 ? "file" : "files") with hard links across \(directories): "
        + names + (count > 3 ? ", …" : "")
    ]
  }

  var warnings: [String] {
    modules.incomplete.map { release, missing in
      SquashModules.incomplete(release, missing) + ": it will not boot this image"
    }
  }
}
