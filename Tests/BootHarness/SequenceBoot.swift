// SPDX-License-Identifier: MIT

import Encoders
import Fidelity
import Files
import Images
import Importing
import Packing
import SystemPackage
import TestSupport

/// One boot of several images, of which some are packed or nested, in a kernel that does not make the leaf itself.
struct SequenceBoot {
  /// How an image is given to the kernel.
  enum Form: String, CaseIterable { case raw, packed, nested }

  let images: [[UInt8]]
  let forms: [Form]
  /// Whether PID 1 makes a leaf.
  var isStock = false
  /// Words for the kernel besides.
  var words: [String] = []

  init(_ images: [[UInt8]], _ forms: [Form]) { (self.images, self.forms) = (images, forms) }

  init(stock images: [[UInt8]]) {
    (self.images, forms, isStock) = (images, images.map { _ in .raw }, true)
  }

  func run() async throws -> Outcome {
    let directory = try TemporaryDirectory()
    // The kernel's own leaf fails, and PID 1 comes to a rootfs.
    var boot = KernelCall.all[0].boot
    boot.tree = GuestTree.bare
    boot.tree.file(".census", try bytes(of: Place.census), mode: 0o755)
    try boot.tree.addProgram("leafroot")
    boot.command = ["/.census", "/"]
    boot.memory = 768
    if isStock {
      boot.parameters = ["rootfstype=tmpfs"]
    } else {
      boot.parameters += ["rdinit=/leafroot", "leafroot_init=/.leafroot-boot/init"]
    }
    boot.parameters += words
    for (place, form) in forms.enumerated() {
      let raw = try directory.file("raw-\(place)", images[place])
      boot.images.append(try image(raw, form, in: directory))
    }
    return try await boot.run()
  }

  private func image(
    _ raw: FilePath, _ form: Form, in directory: TemporaryDirectory
  ) throws -> FilePath {
    let output = FilePath(raw.string + ".\(form)")
    let program = try GuestInit(Place.library.appending("leafroot-init.x86_64"), for: .x86)
    switch form {
    case .raw: return raw
    case .packed:
      let packer = Packer(.zstd(level: 1), jobs: 1, memberSize: 1 << 20)
      _ = try packer.write(ImageTree(Image(path: raw)), program, into: output)
    case .nested:
      let inspection = try Inspection(InputFile(raw), of: raw)
      _ = try Nester().write(Image(path: raw), inspection, program, into: output)
    }
    return output
  }
}
