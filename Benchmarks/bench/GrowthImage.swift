// SPDX-License-Identifier: MIT

import Encoders
import Fidelity
import Files
import Newc
import SystemPackage

/// An image with a number of files of one size, in directories of 1,000, and a busybox system.
struct GrowthImage: Sendable {
  let files: Int
  /// The bytes of all files together.
  let bytes: Int

  /// Bytes of each file.
  var fileSize: Int { bytes / files }

  /// MiB of the tree in a tmpfs: whole pages, and an inode and a directory entry for each file.
  var treeSize: Int { (files * ((fileSize + 4095) / 4096 * 4096 + 1200)) >> 20 }

  /// The regular files, and their bytes, that Benchmarks/guest/whole must find.
  func figures(busybox: [UInt8]) -> (files: Int, bytes: Int) {
    let others = tree(busybox).records.filter { $0.entry.type == .regular }
    return (
      files + others.count, files * fileSize + others.reduce(0) { $0 + $1.data.count }
    )
  }

  /// Writes the image to the new file `path`, as zstd at the level for images that are built often.
  ///
  /// - Parameter busybox: The statically linked program.
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

  /// Everything but the files.
  private func tree(_ busybox: [UInt8]) -> GuestTree {
    // busybox's switch_root refuses to switch from a tree without an /init.
    var tree = GuestTree(busybox: busybox, init: "/init")
    tree.directory("many")
    for number in stride(from: 0, to: files, by: 1000) { tree.directory("many/\(number / 1000)") }
    return tree
  }
}

/// Content that compresses to about a third, like that of real systems: of every three blocks, one
/// is random and two repeat text.
struct GrowthContent {
  private static let block = 4096
  private static let text = Array("The quick brown fox jumps over the lazy dog, again.\n".utf8)

  /// The number of bytes made so far.
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
