// SPDX-License-Identifier: MIT

import Encoders
import Files
import FoundationEssentials
import Images
import Importing
import Leaf
import Machines
import Packing
import SystemPackage
import Threads

/// An image in the form of each variant.
struct BootImage: Sendable {
  let name: String
  /// The unmodified image.
  let plain: FilePath
  /// What the real init runs after the check.
  let command: [String]
  /// Segments appended to each form of the image, so that all have the same tree.
  let attachments: [FilePath]
  /// The directories that ``Variant/squash`` keeps compressed.
  var squashed = ["/bin", "/lib", "/sbin", "/usr"]
  /// The size in MiB of the file system of ``Variant/ramDisk``: the tree, what the measurement
  /// adds, and 16 MiB free.
  var ramDisk = 232
  /// The directory of its forms.
  let directory: FilePath

  /// The image that a variant boots.
  func path(for variant: Variant) -> FilePath {
    variant.hasOwnImage ? directory.appending("\(name).\(variant.rawValue)") : plain
  }

  /// Everything that a variant boots, in one file.
  func initrd(for variant: Variant) -> FilePath {
    let isOwn = variant.hasOwnImage || variant.hasOwnInitrd
    return directory.appending("\(name)-\(isOwn ? variant.rawValue : "plain").initrd")
  }

  func checkedBoot(_ variant: Variant, _ program: GuestInit) throws -> CheckedBoot {
    var boot = CheckedBoot([try Image(path: path(for: variant))], program: program)
    boot.command = command
    if variant == .ramDisk { boot.append = ramDiskParameters }
    return boot
  }

  /// Without `/init` in rootfs, the kernel mounts the root that these name.
  private var ramDiskParameters: [String] {
    [
      "root=/dev/ram0", "rootfstype=ext4", "rw", "ramdisk_size=\(ramDisk << 10)",
      "init=\(Vocabulary.checkPath)",
    ]
  }

  /// Makes the files that `variants` boot.
  func make(_ variants: [Variant], _ bench: Bench) async throws {
    for variant in variants where variant.hasOwnImage { try await makeForm(variant, bench) }
    for variant in variants where variant.hasOwnInitrd { try await makeInitrd(variant, bench) }
    let others = variants.filter { !$0.hasOwnInitrd }
    let own = others.filter(\.hasOwnImage)
    for variant in own.count < others.count ? [.stock] + own : own {
      try Initrd.write(
        checkedBoot(variant, bench.program).segment(),
        ([path(for: variant)] + attachments).map { try Image(path: $0) },
        into: initrd(for: variant))
    }
  }

  /// Makes everything that `variant` boots of the plain image, in one archive or file system.
  private func makeInitrd(_ variant: Variant, _ bench: Bench) async throws {
    let parts = directory.appending("\(name).parts")
    let tools = variant == .retainInitrd ? [bench.comparators.appending("zstd.cpio.zst")] : []
    try Initrd.write(
      checkedBoot(variant, bench.program).segment(),
      ([plain] + attachments + tools).map { try Image(path: $0) }, into: parts)
    let made =
      if variant == .ramDisk {
        try await made(by: "Benchmarks/ram-disk", [name, "\(ramDisk)", parts.string])
      } else {
        try await made(by: "Benchmarks/one-archive", [name, parts.string])
      }
    try link(initrd(for: variant), to: made)
  }

  private func link(_ path: FilePath, to target: FilePath) throws {
    try? FileManager.default.removeItem(atPath: path.string)
    try FileManager.default.createSymbolicLink(
      atPath: path.string, withDestinationPath: target.string)
  }

  /// Makes the image of `variant`: one of our forms, or one made by hand.
  private func makeForm(_ variant: Variant, _ bench: Bench) async throws {
    let output = path(for: variant)
    switch variant {
    case .nested: try link(output, to: await made(by: "Benchmarks/nested", [plain.string]))
    case .squashByHand:
      let modules = bench.kernelDirectory.appending("modules")
      try link(
        output,
        to: await made(by: "Benchmarks/squash-by-hand", [plain.string, modules.string]))
    case .wrap: try Image(path: plain).wrap(with: .leaf(bench.program), into: output)
    case .pack: try pack(.zstd(level: 10), bench, into: output)
    case .packLZ4: try pack(.lz4(level: 9), bench, into: output)
    case .nest:
      let image = try Image(path: plain)
      let inspection = try Inspection(ImageSequence(image.parts), of: plain)
      _ = try Nester().write(image, inspection, bench.program, into: output)
    case .squash: try await squash(bench, into: output)
    case .stock, .cp, .fileByFile, .tar, .retainInitrd, .bind, .kernelStock, .ramDisk, .kernel:
      break
    }
  }

  private func pack(_ encoding: Encoding, _ bench: Bench, into output: FilePath) throws {
    _ = try packer(encoding).write(tree(), bench.program, into: output)
  }

  private func squash(_ bench: Bench, into output: FilePath) async throws {
    let tree = try tree()
    let directories = try squashed.map { try SquashedDirectory($0) }
    let parts = try SquashedTree(tree, directories, from: plain)
    let packer = packer(.zstd(level: 10))
    let image = try await SquashWriter(jobs: packer.jobs).write(parts, in: self.directory)
    let modules = try KernelModules.find(
      inDirectory: bench.kernelDirectory.appending("modules"))
    _ = try packer.write(
      tree, bench.program, squashed: Squash(parts, image, modules.kernels), into: output)
  }

  private func tree() throws -> ImageTree { try ImageTree(Image(path: plain)) }

  private func packer(_ encoding: Encoding) -> Packer {
    Packer(encoding, jobs: processorCount(), memberSize: 16 << 20)
  }
}
