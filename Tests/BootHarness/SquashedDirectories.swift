// SPDX-License-Identifier: MIT

import Newc
import OddImages
import Packing
import SystemPackage
import TestSupport

/// What stays compressed of a packed tree: a squashfs that libarchive's bsdtar and tar2sqfs make, and
/// kernel modules.
struct SquashedDirectories: Sendable {
  typealias Records = [(entry: Entry, data: [UInt8])]

  /// Paths without a leading slash.
  var paths: [String]
  /// The kernels whose modules are in the payload.
  var kernels = ["6.12-x86_64"]
  /// The names of the modules, in the order in which they are loaded.
  var modules = ["loop", "squashfs", "overlay"]
  /// Files in the directories that are not in the squashfs, but in a member that is unpacked over it.
  var over: Set<String> = []
  /// A tar archive to make the squashfs from; nil for one of the tree's records.
  var tar: [UInt8]?
  /// Called with each module before it is put into the image.
  var damageModule: @Sendable (String, inout [UInt8]) -> Void = { _, _ in }
  /// Called with the squashfs before it is put into the image.
  var damage: @Sendable (inout [UInt8]) -> Void = { _ in }

  init(_ paths: String...) { self.paths = paths }

  /// - Parameter kernel: the one that mounts them. Our own for aarch64 needs no modules.
  init(_ paths: [String], on kernel: String) {
    self.paths = paths
    kernels = kernel.hasPrefix("Image-") ? [] : [kernel]
  }

  /// The records that are not in the squashfs: the directories themselves are.
  func outside(_ tree: Records) -> Records { tree.filter { !isInside($0) } }

  func overlying(_ tree: Records) -> Records { tree.filter(isOver) }

  private func isOver(_ record: (entry: Entry, data: [UInt8])) -> Bool {
    over.contains(String(decoding: record.entry.name, as: UTF8.self))
  }

  private func isInside(_ record: (entry: Entry, data: [UInt8])) -> Bool {
    paths.contains { record.entry.name.starts(with: Array("\($0)/".utf8)) }
  }

  /// The records in the squashfs, with the content of a hard-linked file in the first of its names.
  private func inside(_ tree: Records) -> Records {
    var content: [UInt32?: [UInt8]] = [:]
    for record in tree where record.entry.linkCount > 1 && !record.data.isEmpty {
      content[record.entry.inode] = record.data
    }
    return tree.filter { isInside($0) && !isOver($0) }.map { record in
      guard record.entry.linkCount > 1, record.entry.type == .regular else { return record }
      return (record.entry, content.removeValue(forKey: record.entry.inode) ?? [])
    }
  }

  /// The files of the payload before its members, by their paths in its directory, and the
  /// directories, whose content is nil.
  func files(_ tree: Records) throws -> [(name: String, content: [UInt8]?)] {
    var files: [(name: String, content: [UInt8]?)] = [("modules", nil)]
    for kernel in kernels {
      let release = try String(decoding: bytes(of: Place.release(of: kernel)), as: UTF8.self)
      let directory = "modules/" + release.filter { $0 != "\n" }
      files.append((directory, nil))
      for (number, module) in modules.enumerated() {
        var content = try bytes(of: Place.module(module, of: kernel))
        damageModule(module, &content)
        files.append(("\(directory)/0\(number)-\(module).ko", content))
      }
    }
    files.append(("squash", try squashfs(tree)))
    return files
  }

  private func squashfs(_ tree: Records) throws -> [UInt8] {
    // Names need not be UTF-8, which pax wants.
    let tar =
      try tar
      ?? Command(
        ["bsdtar", "--format", "gnutar", "-cf", "-", "@-"],
        input: Segment(parents(tree) + inside(tree)).bytes
      ).output()
    let directory = try TemporaryDirectory()
    let output = directory.path.appending("squashfs")
    _ = try Command(
      ["tar2sqfs", "-q", "-e", "-c", "zstd", "-X", "level=3", output.string], input: tar
    ).output()
    var squashfs = try directory.bytes("squashfs")
    damage(&squashfs)
    return squashfs
  }

  /// The directories themselves, and those that they are in.
  private func parents(_ tree: Records) -> Records {
    tree.filter { record in
      record.entry.type == .directory
        && paths.contains { path in
          Array("\(path)/".utf8).starts(with: record.entry.name + [UInt8(ascii: "/")])
        }
    }
  }

  /// What the payload's description says.
  func lines(_ tree: Records) -> String {
    let inside = inside(tree)
    let bytes = inside.reduce(0) { $0 + $1.data.count }
    return paths.map { "squash \($0)\n" }.joined() + "squashed \(inside.count) \(bytes)\n"
      + (over.isEmpty ? "" : "over 1\n")
  }
}
