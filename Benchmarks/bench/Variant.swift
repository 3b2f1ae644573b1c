// SPDX-License-Identifier: MIT

import ArgumentParser
import Packing

/// A way from the unpacked image to the real init.
enum Variant: String, CaseIterable, Codable, ExpressibleByArgument {
  /// Directly; the root cannot be pivoted.
  case stock
  /// `cp -ax` and `switch_root`.
  case cp
  /// File by file, as LinuxKit does.
  case fileByFile = "file-by-file"
  /// `tar | tar` and `switch_root`.
  case tar
  /// The image as a file in another one, nested by hand; busybox unpacks it.
  case nested
  /// The image unpacked twice: by the kernel, and by PID 1 from `/sys/firmware/initrd`.
  case retainInitrd = "retain-initrd"
  /// The tree as a squashfs in the image, made by hand, under an overlay.
  case squashByHand = "squash-by-hand"
  /// The tree bind-mounted on itself: the root can be pivoted, but the whole tree stays below it.
  case bind
  /// `leafroot wrap`.
  case wrap
  /// `leafroot pack`, with zstd.
  case pack
  /// `leafroot pack --codec lz4`.
  case packLZ4 = "pack-lz4"
  /// `leafroot nest`.
  case nest
  /// `leafroot pack --squash DIR`, for each directory of programs and libraries.
  case squash
  /// Stock, with the kernel of `make kernel`: the baseline of ``kernel``.
  case kernelStock = "kernel-stock"
  /// The tree as an ext4 in an old-style initrd, with that kernel and drivers for it.
  case ramDisk = "ram-disk"
  /// The kernel of `make kernel` makes the leaf.
  case kernel

  /// The name in tables and pictures.
  var title: String {
    switch self {
    case .stock: "stock, no leaf"
    case .cp: "cp -a, switch_root"
    case .fileByFile: "file by file (LinuxKit)"
    case .tar: "tar | tar, switch_root"
    case .nested: "nested by hand (busybox)"
    case .retainInitrd: "unpacked twice (retained)"
    case .squashByHand: "squashfs by hand, overlay"
    case .bind: "bind mount of /"
    case .wrap: "leafroot wrap"
    case .pack: "leafroot pack"
    case .packLZ4: "leafroot pack --codec lz4"
    case .nest: "leafroot nest"
    case .squash: "leafroot pack --squash"
    case .kernelStock: "own kernel, no leaf"
    case .ramDisk: "own kernel, ext4 in a RAM disk"
    case .kernel: "own kernel, makes the leaf"
    }
  }

  /// Kernel parameters, to follow those that start the probe.
  ///
  /// - Parameter options: Mount options for rootfs and for the leaf; nil for the defaults.
  func parameters(options: String?) -> [String] {
    var parameters: [String] = []
    // Without ACPI the kernel cannot find out how to restart the machine.
    if hasOwnKernel { parameters.append("reboot=t") }
    if self == .kernel { parameters.append(KernelParameters.request) }
    if self == .retainInitrd { parameters.append("retain_initrd") }
    // The last rdinit= counts.
    if isCopier { parameters.append("rdinit=/.bench/\(rawValue)") }
    if let options {
      parameters.append("initramfs_options=\(options)")
      // The kernel keeps the parameter above to itself; this one reaches PID 1's environment.
      if isCopier { parameters.append("bench_options=\(options)") }
    }
    return parameters
  }

  /// The baseline for its time: the same kernel without a leaf.
  var base: Variant { hasOwnKernel ? .kernelStock : .stock }

  /// Whether it boots a kernel of `Scripts/build-kernels`.
  var hasOwnKernel: Bool { self == .kernelStock || self == .ramDisk || self == .kernel }

  /// Whether `/` must be a leaf.
  var hasLeaf: Bool { self != base }

  /// Whether the leaf is ours, with all that we promise of it.
  var isOurs: Bool {
    switch self {
    case .stock, .cp, .fileByFile, .tar, .nested, .retainInitrd, .squashByHand, .bind,
      .kernelStock, .ramDisk:
      false
    case .wrap, .pack, .packLZ4, .nest, .squash, .kernel: true
    }
  }

  /// Whether it boots its own image instead of the stock one.
  var hasOwnImage: Bool {
    self == .nested || self == .squashByHand || (isOurs && self != .kernel)
  }

  /// Whether everything that it boots is one archive, or one file system.
  var hasOwnInitrd: Bool { self == .retainInitrd || self == .ramDisk }

  /// Whether a program of `guest` is PID 1.
  private var isCopier: Bool { hasLeaf && !isOurs && self != .ramDisk }
}
