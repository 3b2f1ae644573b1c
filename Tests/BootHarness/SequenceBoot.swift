// SPDX-License-Identifier: MIT

import Encoders
import Fidelity
import Machines
import Packing

/// One boot of several images, some of them packed or nested, on a kernel that does not make the
/// leaf itself.
struct SequenceBoot {
  /// The form in which the kernel gets an image.
  enum Form: String, CaseIterable { case raw, packed, nested }

  let images: [[UInt8]]
  let forms: [Form]
  /// Whether the kernel boots the images without PID 1.
  var isStock = false
  /// Additional kernel parameters.
  var words: [String] = []

  init(_ images: [[UInt8]], _ forms: [Form]) { (self.images, self.forms) = (images, forms) }

  init(stock images: [[UInt8]]) {
    (self.images, forms, isStock) = (images, images.map { _ in .raw }, true)
  }

  /// Images are packed only past the gate: those of waiting boots would fill the memory.
  func run() async throws -> Outcome {
    try await Gate.shared.pass {
      let directory = try RunDirectory.temporary()
      defer { directory.remove() }
      return try await boot().run(in: directory)
    }
  }

  private func boot() throws -> Boot {
    // The kernel's own leaf fails, so that PID 1 starts in rootfs.
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
