// SPDX-License-Identifier: MIT

import Foundation
import Newc

/// The entries of a guest's image.
struct GuestTree {
  private(set) var records: [(entry: Entry, data: [UInt8])] = []

  /// A busybox system whose /init is the boot's check.
  init() {
    self.init(init: "/init")
  }

  /// The same with its init elsewhere; nil for none at all.
  init(init path: String?) {
    directory(".", mode: 0o755)
    for name in ["bin", "dev", "proc", "sys", "tmp", "sbin", "etc"] { directory(name) }
    let busybox = Place.cache.appending("kit/demo/tree/kit/bin/busybox")
    // A missing kit shows as a guest without a shell, with this path in the failure's console.
    file("bin/busybox", FileManager.default.contents(atPath: busybox.string).map(Array.init) ?? [])
    link("bin/sh", to: "busybox")
    // A shell's background job reads from there.
    add(
      Entry(
        name: Array("dev/null".utf8), mode: 0o020666, modificationTime: Self.time,
        specialDevice: Device(major: 1, minor: 3)))
    if let path { script(String(path.dropFirst()), "exec /.leafroot-boot/init") }
  }

  /// Nothing at all: a part of a tree that another image has.
  static var bare: GuestTree {
    var tree = GuestTree(init: nil)
    tree.records = []
    return tree
  }

  /// Besides the busybox system, `count` files of so many bytes, each with its number in it, in
  /// directories of 1,000.
  static func many(_ count: Int, of size: Int) -> GuestTree {
    var tree = GuestTree()
    tree.directory("many")
    for number in 0..<count {
      if number.isMultiple(of: 1000) { tree.directory("many/\(number / 1000)") }
      let text = Array("\(number)\n".utf8)
      tree.file(
        "many/\(number / 1000)/\(number)",
        text + [UInt8](repeating: 0x2e, count: max(0, size - text.count)), mode: 0o644)
    }
    return tree
  }

  private static var time: UInt32 { 1_600_000_000 }

  mutating func add(_ entry: Entry, _ data: [UInt8] = []) {
    records.append((entry, data))
  }

  mutating func add(_ records: [(entry: Entry, data: [UInt8])]) {
    self.records += records
  }

  mutating func directory(_ name: String, mode: UInt32 = 0o755) {
    add(entry(name, 0o040000 | mode))
  }

  /// Gives the record of that name another modification time.
  mutating func setModificationTime(of name: String, _ seconds: UInt32) {
    for place in records.indices where records[place].entry.name == Array(name.utf8) {
      records[place].entry.modificationTime = seconds
    }
  }

  /// Leaves out the record of that name; of a directory, not what is in it.
  mutating func remove(_ name: String) {
    records.removeAll { $0.entry.name == Array(name.utf8) }
  }

  mutating func file(_ name: String, _ data: [UInt8], mode: UInt32 = 0o755) {
    add(entry(name, 0o100000 | mode), data)
  }

  mutating func file(_ name: String, _ text: String, mode: UInt32 = 0o644) {
    file(name, Array(text.utf8), mode: mode)
  }

  mutating func link(_ name: String, to target: String) {
    add(entry(name, 0o120777), Array(target.utf8))
  }

  /// PID 1, under a name of the test's choice.
  mutating func addProgram(_ name: String) throws {
    file(name, try bytes(of: Place.library.appending("leafroot-init.x86_64")))
  }

  /// A script for the guest's shell.
  mutating func script(_ name: String, _ text: String) {
    file(name, "#!/bin/busybox sh\n\(text)\n", mode: 0o755)
  }

  private func entry(_ name: String, _ mode: UInt32) -> Entry {
    Entry(name: Array(name.utf8), mode: mode, modificationTime: Self.time)
  }
}
