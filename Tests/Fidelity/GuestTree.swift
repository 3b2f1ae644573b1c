// SPDX-License-Identifier: MIT

public import Newc

/// The entries of a guest's image.
public struct GuestTree: Sendable {
  /// The records of a newc archive, in order.
  public private(set) var records: [(entry: Entry, data: [UInt8])] = []

  /// An empty tree, for an image with only a part of a tree.
  public static var bare: GuestTree { GuestTree() }

  private init() {}

  /// A busybox system whose init is the boot's check.
  ///
  /// - Parameters:
  ///   - busybox: The statically linked program.
  ///   - path: The path of the init; nil for none.
  public init(busybox: [UInt8], init path: String?) {
    directory(".", mode: 0o755)
    for name in ["bin", "dev", "proc", "sys", "tmp", "sbin", "etc"] { directory(name) }
    file("bin/busybox", busybox)
    link("bin/sh", to: "busybox")
    // A shell's background jobs read from /dev/null.
    add(
      Entry(
        name: Array("dev/null".utf8), mode: 0o020666, modificationTime: Self.time,
        specialDevice: Device(major: 1, minor: 3)))
    if let path { script(String(path.dropFirst()), "exec /.leafroot-boot/init") }
  }

  private static var time: UInt32 { 1_600_000_000 }

  /// Adds a record.
  public mutating func add(_ entry: Entry, _ data: [UInt8] = []) {
    records.append((entry, data))
  }

  /// Adds records.
  public mutating func add(_ records: [(entry: Entry, data: [UInt8])]) {
    self.records += records
  }

  /// Adds a directory.
  public mutating func directory(_ name: String, mode: UInt32 = 0o755) {
    add(entry(name, 0o040000 | mode))
  }

  /// Changes the modification time of the record `name`.
  public mutating func setModificationTime(of name: String, _ seconds: UInt32) {
    for place in records.indices where records[place].entry.name == Array(name.utf8) {
      records[place].entry.modificationTime = seconds
    }
  }

  /// Removes the record `name`, but not what is in a directory.
  public mutating func remove(_ name: String) {
    records.removeAll { $0.entry.name == Array(name.utf8) }
  }

  /// Adds a regular file.
  public mutating func file(_ name: String, _ data: [UInt8], mode: UInt32 = 0o755) {
    add(entry(name, 0o100000 | mode), data)
  }

  /// Adds a regular file with this text.
  public mutating func file(_ name: String, _ text: String, mode: UInt32 = 0o644) {
    file(name, Array(text.utf8), mode: mode)
  }

  /// Adds a symbolic link.
  public mutating func link(_ name: String, to target: String) {
    add(entry(name, 0o120777), Array(target.utf8))
  }

  /// Adds a script for the guest's shell.
  public mutating func script(_ name: String, _ text: String) {
    file(name, "#!/bin/busybox sh\n\(text)\n", mode: 0o755)
  }

  /// Adds overlayfs for a kernel that has it as a module, which modprobe(8) loads.
  public mutating func addOverlay(_ module: [UInt8]) {
    file("overlay.ko", module)
    script("sbin/modprobe", "exec /bin/busybox insmod /overlay.ko")
  }

  private func entry(_ name: String, _ mode: UInt32) -> Entry {
    Entry(name: Array(name.utf8), mode: mode, modificationTime: Self.time)
  }
}
