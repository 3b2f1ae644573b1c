// SPDX-License-Identifier: MIT

import Fidelity
import Files
import Images
import Machines
import Packing
import SystemPackage

/// One boot of a test: a kernel, a small system with busybox, and what to run in it.
struct Boot {
  /// One of Debian's, or of those that `make kernel` builds: a user-mode Linux is a program, the
  /// others are booted by QEMU.
  var kernel = "6.12-x86_64"
  var tree = GuestTree()
  /// An image in place of the tree, as it is.
  var image: [UInt8]?
  /// Images before the tree, as they are. `append` must then ask for PID 1.
  var front: [[UInt8]] = []
  /// Images behind the tree, as they are.
  var images: [[UInt8]] = []
  /// Without it, the kernel boots the tree as it would without us.
  var hasLeaf = true
  /// Without it, nothing of ours is before the images: no check, and no word for the kernel.
  var isChecked = true
  /// How the tree is packed; nil for a tree that the kernel unpacks.
  var packed: PackedImage?
  /// `leafroot pack` packs the tree like this; nil for a tree that it has not packed.
  var packer: Packer?
  /// `leafroot nest` nests the tree like this.
  var nester: Nester?
  /// Whether the images become a part of the tree that is packed or nested.
  var packsImages = false
  /// Words for the kernel.
  var append: [String] = []
  /// What runs after the check where there is no script.
  var command: [String] = []
  /// In MiB.
  var memory = 256
  var cpus = 1
  var timeout = Duration.seconds(180)
  /// What else is special to the machine, with QEMU.
  var adjust: @Sendable (inout Machine) -> Void = { _ in }
}

extension Boot {
  /// A boot of a user-mode Linux, which takes a moment. The kernel itself makes its root, before it
  /// unpacks the tree: nothing of ours is in the image but the check.
  ///
  /// - Parameters:
  ///   - kernel: `linux-um-6.12`, `linux-um-6.12-faulty`, `linux-no-tmpfs-6.12`.
  ///   - append: rootfs is a tmpfs, as it is on other machines without `root=`.
  static func userMode(
    _ kernel: String = "linux-um-6.12",
    append: [String] = ["rootfstype=tmpfs", "nonroot_initramfs"]
  ) -> Boot {
    Boot(kernel: kernel, hasLeaf: false, append: append)
  }

  /// A boot in which `script` runs first, and may execute PID 1: `/leafroot`.
  static func prepared(_ script: String) throws -> Boot {
    var boot = Boot(hasLeaf: false, append: ["rdinit=/prepare"])
    try boot.tree.addProgram("leafroot")
    boot.tree.script("prepare", script)
    return boot
  }

  /// Words for a user-mode Linux in which `prepare` runs first, and may execute PID 1. The kernel
  /// itself would make the leaf if the word were on its command line.
  static let preparedWords = [
    "rootfstype=tmpfs", "rdinit=/prepare", "leafroot_init=/.leafroot-boot/init",
  ]

  /// An image that cannot be unpacked, to be put behind a whole one: it only looks like zstd.
  static let damagedImage = [0x28, 0xb5, 0x2f, 0xfd] + [UInt8](repeating: 0xff, count: 4096)

  /// Boots, runs the check and `script` in the guest's shell, and says what was seen.
  func run(_ script: String = "") async throws -> Outcome {
    try await Gate.shared.pass {
      let directory = try RunDirectory.temporary()
      defer { directory.remove() }
      return try await run(script, in: directory)
    }
  }

  /// The same with its files in `directory`, for those who are past the gate.
  func run(_ script: String = "", in directory: RunDirectory) async throws -> Outcome {
    let path = Place.kernel(kernel)
    guard !kernel.hasPrefix("linux-") else {
      let parameters = try writeInitrd(for: .x86, script, directory)
      return try await userMode(path, directory.initrd, parameters).run()
    }
    let kernel = try Kernel(path)
    let parameters = try writeInitrd(for: kernel.architecture, script, directory)
    var machine = Machine(kernel: kernel, initrd: directory.initrd, parameters: parameters)
    (machine.memory, machine.cpus, machine.timeout) = (memory, cpus, timeout)
    adjust(&machine)
    return Outcome(try await machine.run(log: directory.log))
  }

  /// This boot, and the same as the kernel boots the tree without us.
  func runAndStock(_ script: String) async throws -> (ours: Outcome, stock: Outcome) {
    var stock = self
    (stock.packed, stock.hasLeaf) = (nil, false)
    return (try await run(script), try await stock.run(script))
  }

  private func userMode(
    _ kernel: FilePath, _ initrd: FilePath, _ parameters: [String]
  ) -> ConsoleProgram {
    // The guest's restart would start the program again, for ever: noreboot.
    let words = ["mem=\(memory)M", "initrd=\(initrd)", "con=null", "con0=fd:0,fd:1"]
    return ConsoleProgram(
      words: [kernel.string] + words + ["quiet", "panic=-1", "noreboot"] + parameters,
      timeout: timeout)
  }
}

// MARK: What is booted

extension Boot {
  /// Writes all images into one file.
  /// - Returns: The kernel's words.
  private func writeInitrd(
    for architecture: Architecture, _ script: String, _ directory: RunDirectory
  ) throws -> [String] {
    let program = try GuestInit.built(for: architecture)
    let all = front + [try firstImage(program)] + (packsImages ? [] : images)
    guard isChecked else {
      try OutputFile.write(Array(all.joined()), to: directory.initrd)
      return append
    }

    var checked = CheckedBoot([], program: program)
    for (number, bytes) in all.enumerated() {
      let path = directory.path.appending("\(number).img")
      try OutputFile.write(bytes, to: path)
      checked.images.append(try Image(path: path))
    }
    checked.isStock = !hasLeaf
    checked.append = append
    checked.command = script.isEmpty ? command : ["/bin/busybox", "sh", "-c", script]
    try Initrd.write(checked.segment(), checked.images, into: directory.initrd)
    return checked.parameters
  }

  /// The image of the tree.
  private func firstImage(_ program: GuestInit) throws -> [UInt8] {
    if let image { return image }
    if let packed { return try Segment(packed.records(of: tree.records)).bytes }
    let raw = try tree.image + (packsImages ? Array(images.joined()) : [])
    if let packer { return try packer.packed(raw, program) }
    if let nester { return try nester.nested(raw, program) }
    return hasLeaf ? Segment.leaf(program).bytes + raw : raw
  }
}
