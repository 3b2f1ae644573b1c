// SPDX-License-Identifier: MIT

import ArgumentParser

/// A way from the unpacked image to the real init.
enum Variant: String, CaseIterable, Codable, ExpressibleByArgument {
  /// Straight there; the root cannot be pivoted.
  case stock
  /// `cp -ax` and `switch_root`.
  case cp
  /// File by file, as LinuxKit does.
  case fileByFile = "file-by-file"
  /// `tar | tar` and `switch_root`.
  case tar
  /// The image as a file in another one, by hand: busybox unpacks it.
  case nested
  /// The tree mounted on itself: the root can be pivoted, and the whole tree lies below.
  case bind
  /// `leafroot wrap`.
  case wrap
  /// `leafroot pack`, with zstd.
  case pack
  /// `leafroot pack --codec lz4`.
  case packLZ4 = "pack-lz4"
  /// `leafroot nest`.
  case nest

  /// What people call it.
  var title: String {
    switch self {
    case .stock: "stock, no leaf"
    case .cp: "cp -a, switch_root"
    case .fileByFile: "file by file (LinuxKit)"
    case .tar: "tar | tar, switch_root"
    case .nested: "nested by hand (busybox)"
    case .bind: "bind mount of /"
    case .wrap: "leafroot wrap"
    case .pack: "leafroot pack"
    case .packLZ4: "leafroot pack --codec lz4"
    case .nest: "leafroot nest"
    }
  }

  /// Words for the kernel, behind those that start the probe.
  ///
  /// - Parameter options: Options for rootfs and for the leaf; nil for the defaults.
  func words(options: String?) -> [String] {
    var words: [String] = []
    // The last rdinit= counts.
    if isCopier { words.append("rdinit=/.bench/\(rawValue)") }
    if let options {
      words.append("initramfs_options=\(options)")
      // The kernel keeps the word above to itself; this one reaches PID 1's environment.
      if isCopier { words.append("bench_options=\(options)") }
    }
    return words
  }

  /// Which of our forms it is: what is booted instead of the image.
  var isForm: Bool {
    switch self {
    case .stock, .cp, .fileByFile, .tar, .nested, .bind: false
    case .wrap, .pack, .packLZ4, .nest: true
    }
  }

  /// Whether it boots an image of its own, not the stock one.
  var hasOwnImage: Bool { isForm || self == .nested }

  private var isCopier: Bool { !isForm && self != .stock }
}
