// SPDX-License-Identifier: MIT

import Encoders
import Fidelity
import Files
import Newc
import SystemPackage

/// An image of so many files of one size, in directories of 1,000, besides a busybox system.
struct GrowthImage: Sendable {
  let files: Int
  /// Of all files together.
  let bytes: Int

  /// Bytes of each file.
  var fileSize: Int { bytes / files }

  /// MiB of the tree in a tmpfs: whole pages, and an inode and a directory entry for each file.
  var treeSize: Int { (files * ((fileSize + 4095) / 4096 * 4096 + 1200)) >> 20 }

  /// What Benchmarks/guest/whole is to find: regular files, and their bytes.
  func figures(busybox: [UInt8]) -> (files: Int, bytes: Int) {
    let others = tree(busybox).records.filter { $0.entry.type == .regular }
    return (
      files + others.count, files * fileSize + others.reduce(0) { $0 + $1.data.count }
    )
  }

  /// Writes it, as zstd at the level of images that are built often, to the new file `path`.
  ///
  /// - Parameter busybox: The program, linked statically.
  func write(to path: FilePath, busybox: [UInt8]) throws {
    let encoder = try Encoder(.zstd(level: 3))
    var writer = Writer()
    var bytes: [UInt8] = []
    for record in tree(busybox).records {
      try writer.append(record.entry, data: record.data, to: &bytes)
    }
    var content = GrowthContent()
    for number in 0..<files {
      var entry = Entry(
        name: Array("many/\(number / 1000)/\(number)".utf8), mode: 0o100644,
        modificationTime: 1_600_000_000)
      entry.size = UInt64(fileSize)
      try writer.appendHead(of: entry, to: &bytes)
      content.append(fileSize, to: &bytes)
      bytes.append(contentsOf: Writer.padding(after: entry.size))
      if bytes.count > 1 << 20 {
        try Task.checkCancellation()
        try encoder.write(bytes)
        bytes.removeAll(keepingCapacity: true)
      }
    }
    writer.appendTrailer(to: &bytes)
    try encoder.write(bytes)
    try OutputFile.write(try encoder.finish(), to: path)
  }

  /// All but the files.
  private func tree(_ busybox: [UInt8]) -> GuestTree {
    // busybox's switch_root refuses to switch from a tree without an /init.
    var tree = GuestTree(busybox: busybox, init: "/init")
    tree.directory("many")
    for number in stride(from: 0, to: files, by: 1000) { tree.directory("many/\(number / 1000)") }
    return tree
  }
}

/// Content that compresses to about a third, as that of systems does: of three blocks, one is
/// random and two repeat text.
struct GrowthContent {
  private static let block = 4096
  private static let text = Array("The quick brown fox jumps over the lazy dog, again.\n".utf8)

  /// How much has been made.
  private var position = 0
  private var random = SplitMix(seed: 0)

  /// Appends the next `count` bytes; the same for every run.
  mutating func append(_ count: Int, to bytes: inout [UInt8]) {
    let end = bytes.count + count
    bytes.reserveCapacity(end + 8)
    while bytes.count < end {
      let inBlock = position % Self.block
      let rest = min(end - bytes.count, Self.block - inBlock)
      if (position / Self.block).isMultiple(of: 3) {
        appendRandom(rest, to: &bytes)
      } else {
        var left = rest
        while left > 0 {
          bytes.append(contentsOf: Self.text.prefix(left))
          left -= min(left, Self.text.count)
        }
      }
      position += rest
    }
  }

  private mutating func appendRandom(_ count: Int, to bytes: inout [UInt8]) {
    var left = count
    while left > 0 {
      withUnsafeBytes(of: random.next()) { bytes.append(contentsOf: $0.prefix(left)) }
      left -= min(left, 8)
    }
  }
}
