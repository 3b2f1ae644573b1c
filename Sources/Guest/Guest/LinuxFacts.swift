// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Leaf
import Unpacking

/// Facts about the running kernel.
struct LinuxFacts: Facts {
  let parameters: Parameters
  let proc: Proc
  let log: Log

  /// The verdict of the kernel's log on the image, after `isImageWhole()`.
  private(set) var image = ImageVerdict()

  /// The mount that rests on the tree, if `areMountsApart()` has found one.
  private(set) var obstacle = Text()

  /// The packed trees, after `isPacked()`.
  private(set) var packed: PackedTrees?

  /// Why the packed trees cannot be read.
  private(set) var payloadFailure: PayloadFailure?

  init(_ parameters: Parameters, _ proc: Proc, _ log: Log) {
    self.parameters = parameters
    self.proc = proc
    self.log = log
  }

  func isInit() -> Bool { Self.isInit(proc) }

  /// Process 1 of the initial pid namespace, which has a fixed inode number, `PROC_PID_INIT_INO`
  /// (include/linux/proc_ns.h).
  static func isInit(_ proc: Proc) -> Bool {
    guard getpid() == 1 else { return false }
    guard let namespace = proc.readLink(Text("self/ns/pid")) else { return true }
    return namespace[...].equals("pid:[4026531836]")
  }

  func isWordGiven() -> Bool { parameters.isAsked }

  mutating func isPacked() -> Bool {
    let root = linux_openat(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY, 0)
    do throws(PayloadFailure) {
      packed = try PackedTrees.find(below: root, freeMemory)
    } catch { payloadFailure = error }
    if packed == nil { close(root) }
    return packed != nil || payloadFailure != nil
  }

  private func freeMemory() -> FreeMemory {
    let settings = proc.open(Text("sys/vm"))
    defer { close(settings) }
    return FreeMemory(in: settings)
  }

  /// The kernel does not log an entry for which no inode is free.
  mutating func isImageWhole() -> Bool {
    var verdict = ImageVerdict()
    log.forEachRecord { verdict.add($0) }
    image = verdict

    if let limits = Limits(ofPath: "/"), !limits.hasInodes { return false }
    return verdict.complaint == nil
  }

  func isPartialAllowed() -> Bool { parameters.isPartialAllowed }

  func root() -> Root {
    guard let mount = proc.rootMount() else { return .unknown }
    if mount.id == mount.parent { return .rootfs }
    return Pivot.attempt() == 0 ? .leaf : .unknown
  }

  mutating func areMountsApart() -> Bool {
    guard let root = proc.rootMount(), let mounts = proc.mounts() else {
      obstacle = Text("the mounts cannot be read")
      return false
    }
    guard let found = BootFacts.obstacle(to: root, in: mounts) else { return true }
    obstacle = found
    return false
  }

  func isTmpfsThere() -> Bool {
    guard let table = proc.read(Text("filesystems")) else { return false }
    return table.split(separator: 0x0a).contains { $0.equals("nodev\ttmpfs") }
  }

  func otherProcesses() -> OtherProcesses {
    guard let others = proc.awaitOtherPrograms(Deadline()) else { return .unknown }
    return others.isEmpty ? .none : .others
  }
}
