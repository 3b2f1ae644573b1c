// SPDX-License-Identifier: MIT

import Fidelity
import Files
import Images
import Machines
import Packing
import SystemPackage

/// One boot of a test: a kernel, a small busybox system, and what to run in it.
struct Boot {
  /// A kernel of Debian or of `make kernel`; a user-mode Linux is run as a program, the others in
  /// QEMU.
  var kernel = "6.12-x86_64"
  var tree = GuestTree()
  /// An unmodified image to boot instead of the tree.
  var image: [UInt8]?
  /// Unmodified images before the tree. `append` must then start PID 1.
  var front: [[UInt8]] = []
  /// Unmodified images after the tree.
  var images: [[UInt8]] = []
  /// Whether PID 1 makes a leaf; otherwise the kernel boots the tree as it would without LeafRoot.
  var hasLeaf = true
  /// Whether to run the check; otherwise neither its segment nor our kernel parameters are added.
  var isChecked = true
  /// How the tree is packed; nil for a tree that the kernel unpacks.
  var packed: PackedImage?
  /// How `leafroot pack` packs the tree; nil if it does not.
  var packer: Packer?
  /// How `leafroot nest` nests the tree; nil if it does not.
  var nester: Nester?
  /// Whether the images become part of the tree that is packed or nested.
  var packsImages = false
  /// Additional kernel parameters.
  var append: [String] = []
  /// The command to run after the check if there is no script.
  var command: [String] = []
  /// The machine's memory in MiB.
  var memory = 256
  var cpus = 1
  var timeout = Duration.seconds(180)
  /// Whether an x86 kernel starts without firmware, its decompressor and, on one processor, ACPI: not
  /// in `make proof`, nor where 1 MiB of memory matters.
  var isAbridged = !StockKernel.areAllChosen
  /// Further changes to QEMU's machine.
  var adjust: @Sendable (inout Machine) -> Void = { _ in }
}

extension Boot {
  /// A boot of a user-mode Linux, which is fast. The kernel itself makes its root before it unpacks
  /// the tree; of LeafRoot, only the check is in the image.
  ///
  /// - Parameters:
  ///   - kernel: `linux-um-6.12`, `linux-um-6.12-faulty`, `linux-no-tmpfs-6.12`.
  ///   - append: By default, rootfs is a tmpfs, as on other machines without `root=`.
  static func userMode(
    _ kernel: String = "linux-um-6.12",
    append: [String] = ["rootfstype=tmpfs", "nonroot_initramfs"]
  ) -> Boot {
    Boot(kernel: kernel, hasLeaf: false, append: append)
  }

  /// A boot that runs `script` first, which may execute PID 1 as `/leafroot`.
  static func prepared(_ script: String) throws -> Boot {
    var boot = Boot(hasLeaf: false, append: ["rdinit=/prepare"])
    try boot.tree.addProgram("leafroot")
    boot.tree.script("prepare", script)
    return boot
  }

  /// The parameters of a user-mode Linux that runs `prepare` first, which may execute PID 1. With
  /// `nonroot_initramfs` among them, the kernel itself would make the leaf.
  static let preparedWords = [
    "rootfstype=tmpfs", "rdinit=/prepare", "leafroot_init=/.leafroot-boot/init",
  ]

  /// An image that cannot be unpacked, to follow a valid one: it only looks like zstd.
  static let damagedImage = [0x28, 0xb5, 0x2f, 0xfd] + [UInt8](repeating: 0xff, count: 4096)

  /// Boots, runs the check and `script` in the guest's shell, and returns the outcome.
  func run(_ script: String = "") async throws -> Outcome {
    try await Gate.shared.pass {
      let directory = try RunDirectory.temporary()
      defer { directory.remove() }
      return try await run(script, in: directory)
    }
  }

  /// Boots with files in `directory`; the caller must have passed the gate.
  func run(_ script: String = "", in directory: RunDirectory) async throws -> Outcome {
    let path = Place.kernel(kernel)
    guard !kernel.hasPrefix("linux-") else {
      let parameters = try writeInitrd(for: .x86, script, directory)
      return try await userMode(path, directory.initrd, parameters).run()
    }
    let kernel = try await isAbridged ? Vmlinux.inside(path) : Kernel(path)
    let parameters = try writeInitrd(for: kernel.architecture, script, directory)
    // The kernel's tests of its ciphers and of its source of random numbers take a fifth of a boot.
    var shorter = ["cryptomgr.notests", "initcall_blacklist=jent_mod_init"]
    // ACPI takes another seventh; it finds all processors but the first.
    if isAbridged, cpus == 1, kernel.architecture == .x86 { shorter.append("acpi=off") }
    var machine = Machine(
      kernel: kernel, initrd: directory.initrd, parameters: shorter + parameters)
    (machine.memory, machine.cpus, machine.timeout) = (memory, cpus, timeout)
    adjust(&machine)
    return Outcome(try await machine.run(log: directory.log))
  }

  /// Runs this boot, and the same tree without LeafRoot.
  func runAndStock(_ script: String) async throws -> (ours: Outcome, stock: Outcome) {
    var stock = self
    (stock.packed, stock.hasLeaf) = (nil, false)
    return (try await run(script), try await stock.run(script))
  }

  private func userMode(
    _ kernel: FilePath, _ initrd: FilePath, _ parameters: [String]
  ) -> ConsoleProgram {
    // noreboot: a restart of the guest would run the program again, endlessly.
    let words = ["mem=\(memory)M", "initrd=\(initrd)", "con=null", "con0=fd:0,fd:1"]
    return ConsoleProgram(
      words: [kernel.string] + words + ["quiet", "panic=-1", "noreboot"] + parameters,
      timeout: timeout)
  }
}

// MARK: What is booted

extension Boot {
  /// Writes all images into one file.
  /// - Returns: The kernel parameters.
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

  /// The image with the tree.
  private func firstImage(_ program: GuestInit) throws -> [UInt8] {
    if let image { return image }
    if let packed {
      return try Segment(packed.records(of: tree.records, for: program.architecture)).bytes
    }
    let raw = try tree.image + (packsImages ? Array(images.joined()) : [])
    if let packer { return try packer.packed(raw, program) }
    if let nester { return try nester.nested(raw, program) }
    return hasLeaf ? Segment.leaf(program).bytes + raw : raw
  }
}
