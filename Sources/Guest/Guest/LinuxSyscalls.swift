// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Leaf
import Tree

/// The steps of the leaf in PID 1, which also fills the leaf: it unpacks what is packed, and moves
/// what the kernel has unpacked.
struct LinuxSyscalls: Syscalls {
  /// The root directory of rootfs: the only way back to it once the leaf is the root.
  let rootfs: Int32

  /// Its status before the first act.
  let status: Status
  private let proc: Proc
  private let options: Text

  private let rootfsLimits: Limits

  /// What the leaf must hold.
  private let need: Limits

  /// Whether a payload only ends, without a failure, where the kernel would refuse it.
  private let endsAtRefusal: Bool

  /// What is to be unpacked; nil if nothing is packed.
  let packed: PackedTrees?

  /// The leaf's root directory while the tree moves. An open descriptor would keep the leaf from
  /// being unmounted.
  private var leaf: Int32 = -1
  private var mover: Mover?

  /// The time left for usermode helpers that started before the leaf was the root: their root
  /// directory is rootfs.
  private(set) var deadline = Deadline()

  /// Why `fill` failed: a call, or a reason in words.
  private(set) var failure: Tree.Failure?
  private(set) var reason: Text?

  /// Why something of this program or of a payload could not be removed.
  private(set) var trace: Tree.Failure?

  /// Whether the tree could not be moved back completely.
  private(set) var isTorn = false

  /// What has moved.
  var entries: Int { mover?.entries ?? 0 }
  var bytes: Int { mover?.bytes ?? 0 }
  var filesEndingInHole: Int { mover?.filesEndingInHole ?? 0 }
  var firstEndingInHole: [UInt8] { mover?.firstEndingInHole ?? [] }

  /// Reads the limits of rootfs, and changes nothing.
  init?(_ parameters: Parameters, _ proc: Proc, _ packed: PackedTrees?) {
    rootfs = linux_openat(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY, 0)
    guard rootfs >= 0, let status = try? Status(of: rootfs), let limits = Limits(of: rootfs) else {
      return nil
    }
    self.status = status
    self.proc = proc
    self.packed = packed
    rootfsLimits = limits
    endsAtRefusal = parameters.isPartialAllowed
    need = packed.map { $0.need(limits) } ?? limits
    options = parameters.options ?? need.options
  }

  func chdir(_ path: StaticString) -> Int32 {
    path.withCString { result(CLinux.chdir($0)) }
  }

  func chroot(_ path: StaticString) -> Int32 {
    path.withCString { result(CLinux.chroot($0)) }
  }

  func umount(_ path: StaticString) -> Int32 {
    // The tmpfs holds the only copy of a part of the tree.
    if isTorn { return -EBUSY }
    return path.withCString { result(umount2($0, 0)) }
  }

  func mountTmpfs(on path: StaticString) -> Int32 {
    path.withCString { path in
      options.withCString { result(mount("tmpfs", path, "tmpfs", 0, $0)) }
    }
  }

  mutating func fill(_ path: StaticString) -> Int32 {
    leaf = path.withCString { linux_openat(AT_FDCWD, $0, O_RDONLY | O_DIRECTORY, 0) }
    if leaf < 0 { return result(leaf) }

    do throws(Tree.Failure) {
      reason = Limits(of: leaf)?.shortage(for: need)
      if reason != nil { throw Tree.Failure("statfs", ENOSPC) }
      if let packed { try unpack(packed) } else { try move() }
      deadline = Deadline()
      _ = proc.awaitOtherPrograms(deadline)
      return 0
    } catch {
      failure = error
      restore()
      return -error.code
    }
  }

  private mutating func move() throws(Tree.Failure) {
    let mover = Mover(from: rootfs, status, to: leaf)
    self.mover = mover
    try mover.move()
  }

  private mutating func unpack(_ packed: PackedTrees) throws(Tree.Failure) {
    do throws(Tree.Failure) { try OwnProgram.removeNames() } catch { trace = error }
    do throws(PackedTreeFailure) {
      let left = try packed.unpack(
        into: leaf, status, options, proc, endsAtRefusal: endsAtRefusal)
      trace = trace ?? left
    } catch {
      reason = error.reason
      throw Tree.Failure("unpack", EIO)
    }
    if packed.isSizeUnknown { lowerLimit() }
  }

  /// Lowers the limit, which had to be as large as memory, to that of rootfs, or to a sixteenth
  /// more than is used if that is larger.
  private func lowerLimit() {
    guard let used = Limits(of: leaf)?.used else { return }
    reconfigure(leaf, size: max(rootfsLimits.size, used.plus(used / 16)))
  }

  mutating func restore() {
    do throws(Tree.Failure) {
      try mover?.restore()
    } catch { isTorn = true }
    mover = nil
    close(leaf)
  }

  /// Does nothing yet: `Handover` empties and seals rootfs once the root is the leaf.
  func seal() -> Int32 { 0 }
  func unseal() {}

  private func result(_ value: Int32) -> Int32 { value < 0 ? -linux_errno() : 0 }
}
