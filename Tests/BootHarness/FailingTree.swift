// SPDX-License-Identifier: MIT

import Fidelity
import Newc

/// The tree for boots with a failing system call: small, since there are thousands of them, with
/// something of each kind.
enum FailingTree {
  /// Makes and mounts things before PID 1 runs; they must be kept.
  private static let preparation = """
    busybox mount -t tmpfs -o mode=0750 run /run
    echo kept > /run/file
    busybox touch -d @99 /run/file /run
    """

  /// A later image with the programs that run before PID 1, which is executed with `words`.
  static func later(_ words: String) throws -> GuestTree {
    var tree = GuestTree(init: nil)
    tree.file("census", try bytes(of: Place.census))
    tree.directory("run")
    tree.script("prepare", "\(preparation)\nexec /leafroot\(words)")
    tree.script("prepare-stock", "\(preparation)\nexec /.leafroot-boot/init")
    // A file that is also in the tree, with its parent directories, which a nested image does not
    // provide.
    for directory in directories { tree.directory(directory.name, mode: directory.mode) }
    tree.file("deep/er/still/empty", "full")
    return tree
  }

  private static let directories: [(name: String, mode: UInt32)] = [
    ("deep", 0o755), ("deep/er", 0o1777), ("deep/er/still", 0o700),
  ]

  /// - Parameter isMoved: Whether PID 1 is a file of the tree.
  static func tree(isMoved: Bool) throws -> GuestTree {
    var tree = GuestTree()
    tree.remove("bin/busybox")
    if isMoved { try tree.addProgram("leafroot") }

    tree.directory("links")
    let large = [UInt8](repeating: 0x61, count: 1 << 20) + [0x62]
    let shared: [(inode: UInt32, names: [String], mode: UInt32, data: [UInt8])] = [
      (9001, ["one", "two"], 0o100640, Array("shared".utf8)),
      (9002, ["three", "four", "five"], 0o104755, large),
      (9003, ["six", "seven"], 0o010600, []),
    ]
    for group in shared {
      for name in group.names {
        tree.add(
          Entry(
            name: Array("links/\(name)".utf8), mode: group.mode, userID: 1, groupID: 2,
            linkCount: UInt32(group.names.count), modificationTime: group.inode,
            inode: group.inode),
          name == group.names.last ? group.data : [])
      }
    }

    for directory in directories { tree.directory(directory.name, mode: directory.mode) }
    tree.file("deep/er/still/empty", [])
    tree.link("deep/er/link", to: "still/empty")
    tree.add(
      Entry(name: Array("deep/odd".utf8), mode: 0o042755, groupID: 50, modificationTime: 77))
    tree.add(
      Entry(
        name: Array("deep/disk".utf8), mode: 0o060660, modificationTime: 78,
        specialDevice: Device(major: 8, minor: 1)))
    tree.add(Entry(name: Array("deep/fifo".utf8), mode: 0o010644, modificationTime: 79))
    // Moved in pieces, the last one first; unpacked in several.
    tree.file("large", (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) })
    return tree
  }

  /// The sidecar data of a packed tree, whose record of this file has a different time.
  static let extras = ["large": PackedImage.Extra(time: 1_600_000_000)]
}
