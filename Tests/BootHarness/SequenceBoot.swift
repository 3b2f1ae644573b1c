// SPDX-License-Identifier: MIT

import Encoders
import Fidelity
import Machines
import Packing

/// One boot of several images, of which some are packed or nested, in a kernel that does not make
/// the leaf itself.
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

  /// The images are packed behind the gate: those that wait would fill the memory.
  func run() async throws -> Outcome {
    try await Gate.shared.pass {
      let directory = try RunDirectory.temporary()
      defer { directory.remove() }
      return try await boot().run(in: directory)
    }
  }

  private func boot() throws -> Boot {
    // The kernel's own leaf fails, and PID 1 comes to a rootfs.
    var boot = KernelCall.all[0].boot
    boot.tree = GuestTree.bare
    boot.tree.file(".census", try bytes(of: Place.census), mode: 0o755)
    try boot.tree.addProgram("leafroot")
    boot.command = ["/.census", "/"]
    boot.memory = 768
    if isStock {
      boot.append = ["rootfstype=tmpfs"]
    } else {
      boot.append += ["rdinit=/leafroot", "leafroot_init=/.leafroot-boot/init"]
    }
    boot.append += words
    boot.images = try zip(images, forms).map(Self.image)
    return boot
  }

  private static func image(_ raw: [UInt8], _ form: Form) throws -> [UInt8] {
    switch form {
    case .raw: raw
    case .packed:
      try Packer(.zstd(level: 1), jobs: 1, memberSize: 1 << 20).packed(raw, .built())
    case .nested: try Nester().nested(raw, .built())
    }
  }
}
