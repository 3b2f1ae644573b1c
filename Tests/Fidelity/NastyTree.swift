// SPDX-License-Identifier: MIT

import Newc

/// A tree with everything that newc can express.
public enum NastyTree {
  /// Adds about 350 entries.
  public static func add(to tree: inout GuestTree) {
    addModes(&tree)
    addNames(&tree)
    addDevices(&tree)
    addHardLinks(&tree)
    addSizes(&tree)
    addDepth(&tree)
  }

  private static func addModes(_ tree: inout GuestTree) {
    tree.directory("modes", mode: 0o2775)
    for mode: UInt32 in [
      0, 0o1, 0o400, 0o644, 0o755, 0o777, 0o1644, 0o2755, 0o4711, 0o6755, 0o7777,
    ] {
      tree.add(
        Entry(
          name: Array("modes/file\(mode)".utf8), mode: 0o100000 | mode, userID: mode,
          groupID: 65_534, modificationTime: mode), Array("\(mode)".utf8))
      tree.add(
        Entry(
          name: Array("modes/directory\(mode)".utf8), mode: 0o040000 | mode, userID: 4_294_967_294,
          groupID: mode, modificationTime: 4_294_967_295 - mode))
    }
  }

  private static func addNames(_ tree: inout GuestTree) {
    tree.directory("names")
    tree.file("names/" + String(repeating: "n", count: 255), "long")
    tree.file("names/ leading and trailing ", "spaces")
    tree.file("names/-rf", "option")
    tree.file("names/line\nfeed", "two lines")
    tree.file("names/ünïcödé", "two bytes each")
    // Neither UTF-8 nor printable.
    tree.add(Entry(name: Array("names/".utf8) + [0xff, 0xfe, 0x01, 0x7f], mode: 0o100644), [1])
    tree.link("names/dangling", to: "nowhere/at/all")
    tree.link("names/absolute", to: "/bin/busybox")
    tree.link("names/long", to: String(repeating: "t/", count: 2000) + "end")
  }

  private static func addDevices(_ tree: inout GuestTree) {
    tree.directory("devices")
    let nodes: [(String, UInt32, Device)] = [
      ("null", 0o020666, Device(major: 1, minor: 3)),
      ("large", 0o020600, Device(major: 4095, minor: 1_048_575)),
      ("whiteout", 0o020000, Device()),
      ("disk", 0o060660, Device(major: 8, minor: 1)),
      ("fifo", 0o010644, Device()),
      ("socket", 0o140755, Device()),
    ]
    for (name, mode, device) in nodes {
      tree.add(
        Entry(
          name: Array("devices/\(name)".utf8), mode: mode, userID: 1, groupID: 2,
          modificationTime: 77, specialDevice: device))
    }
  }

  private static func addHardLinks(_ tree: inout GuestTree) {
    for folder in ["links", "links/a", "links/b"] { tree.directory(folder) }
    let large = [UInt8](repeating: 0x61, count: 3 << 20) + [0x62]
    let groups: [(UInt32, UInt32, Device, [UInt8])] = [
      (9001, 0o100640, Device(), Array("shared".utf8)),
      (9002, 0o100755, Device(), large),
      (9003, 0o020600, Device(major: 1, minor: 5), []),
      (9004, 0o010600, Device(), []),
    ]
    for (inode, mode, device, data) in groups {
      for name in ["links/\(inode)", "links/a/\(inode)", "links/b/\(inode)"] {
        tree.add(
          Entry(
            name: Array(name.utf8), mode: mode, linkCount: 3, modificationTime: inode, inode: inode,
            specialDevice: device), name.hasPrefix("links/b") ? data : [])
      }
    }
  }

  private static func addSizes(_ tree: inout GuestTree) {
    tree.directory("sizes")
    for size in [0, 1, 4095, 4096, 4097, 65_536, 1_048_575, 1_048_576, 1_048_577, 5_000_000] {
      let data = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
      tree.add(
        Entry(name: Array("sizes/\(size)".utf8), mode: 0o100644, modificationTime: UInt32(size)),
        data)
    }
    tree.file("sizes/zeros", [UInt8](repeating: 0, count: 1 << 20))
  }

  private static func addDepth(_ tree: inout GuestTree) {
    var path = "deep"
    tree.directory(path)
    for level in 1..<64 {
      path += "/\(level)"
      tree.directory(path, mode: level.isMultiple(of: 2) ? 0o700 : 0o1777)
      tree.file(path + "/file", "\(level)")
      tree.link(path + "/link", to: "../file")
    }
  }
}
