// SPDX-License-Identifier: MIT

import CLinux
import Leaf

/// What the running kernel says.
struct LinuxFacts: Facts {
  let words: Words
  let proc: Proc

  /// The kernel's own complaint about the image, once `isImageWhole` has found one.
  private(set) var complaint: [UInt8] = []

  init(_ words: Words, _ proc: Proc) {
    self.words = words
    self.proc = proc
  }

  func isInit() -> Bool { Self.isInit(proc) }

  /// Process 1, and of the first pid namespace: that one has a fixed inode number,
  /// `PROC_PID_INIT_INO` (include/linux/proc_ns.h).
  static func isInit(_ proc: Proc) -> Bool {
    guard getpid() == 1 else { return false }
    guard let namespace = proc.readLink(Text("self/ns/pid")) else { return true }
    return namespace.elementsEqual(Text("pid:[4026531836]").bytes)
  }

  func root() -> Root {
    guard let mount = RootMount(proc) else { return .unknown }
    if mount.id == mount.parent { return .rootfs }
    return Pivot.attempt() == 0 ? .leaf : .unknown
  }

  func isWordGiven() -> Bool { words.isAsked }

  /// init/initramfs.c, do_populate_rootfs(). The second message comes from kernels with
  /// `CONFIG_BLK_DEV_RAM=y`, which take a broken image for an old-style initrd. Of an entry for
  /// which no inode is left the kernel says nothing.
  mutating func isImageWhole() -> Bool {
    if let limits = Limits(ofPath: "/"), !limits.hasInodes {
      complaint = Text("none (rootfs has no inode left)").bytes
      return false
    }
    let messages = Log.messages(
      beginningWith: "Initramfs unpacking failed: ", "rootfs image is not initramfs (")
    if let first = messages.first {
      complaint = first
      return false
    }
    return true
  }

  func isTmpfsThere() -> Bool {
    guard let table = proc.read(Text("filesystems")) else { return false }
    return table.split(separator: 0x0a).contains { $0.elementsEqual(Text("nodev\ttmpfs").bytes) }
  }

  func isAlone() -> Bool {
    // 5 s in all.
    for _ in 0..<500 {
      if !proc.hasOtherPrograms() { return true }
      usleep(10_000)
    }
    return false
  }
}
