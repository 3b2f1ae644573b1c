// SPDX-License-Identifier: MIT

/// The system calls that make a leaf, as Linux names them.
///
/// Each gives 0, or the negated errno, as a function inside the kernel does. Conformers: Linux's
/// own calls in PID 1, the kernel's `init_*` helpers (fs/init.c), and a recorder in the tests.
public protocol Syscalls {
  mutating func chdir(_ path: StaticString) -> Int32
  mutating func chroot(_ path: StaticString) -> Int32
  mutating func umount(_ path: StaticString) -> Int32

  /// mount(2) of a tmpfs; its options (size, nr_inodes …) are the conformer's to know.
  mutating func mountTmpfs(on path: StaticString) -> Int32

  /// Brings the tree from rootfs into the leaf that is mounted on `path`. In the kernel there is
  /// nothing to bring yet: the initramfs is unpacked afterwards. Undoes its own work if it fails.
  mutating func fill(_ path: StaticString) -> Int32

  /// Brings the tree back; called after `fill`, if a later step fails.
  mutating func restore()

  /// Makes rootfs's mount read-only: there is nothing in it any more. In PID 1 there still is, and
  /// this waits until rootfs is emptied.
  mutating func seal() -> Int32

  /// Makes it writable again; called after `seal`, if a later step fails.
  mutating func unseal()
}

/// How rootfs is sealed: flags of mount(2), include/uapi/linux/mount.h.
public enum SealFlag {
  /// MS_REMOUNT | MS_BIND: the mount alone is changed, not the file system.
  public static var change: UInt { 32 | 4096 }
  /// The same, with MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC.
  public static var all: UInt { change | 1 | 2 | 4 | 8 }
}

/// The steps from rootfs to the leaf, in their order.
public enum Step: UInt8, Sendable {
  case mount
  case fill
  case chdir
  case seal
  case chroot

  /// What the log calls it.
  public var name: StaticString {
    switch self {
    case .mount: "mount"
    case .fill: "fill"
    case .chdir: "chdir"
    case .seal: "seal"
    case .chroot: "chroot"
    }
  }
}

/// The step that did not succeed, and why.
public struct Failure: Error {
  public let step: Step

  /// A positive errno.
  public let code: Int32
}

/// Where the leaf is mounted and found: on the root itself. A path that begins at `/` does not look
/// for mounts there, but one that goes through `..` does (fs/namei.c, nd_jump_root(),
/// handle_dots()). So nothing is made or removed for a mount point.
public var leafPath: StaticString { "/.." }

/// Makes a leaf: a tmpfs that is mounted on rootfs's root, holds the tree, and is the root
/// directory of this process and of all that share its `fs_struct`: kernel threads, usermode
/// helpers. rootfs keeps no trace of it.
///
/// The caller has made sure that the root directory is rootfs's, or that of a leaf that becomes the
/// lower one. If a step fails, those before it are undone, the last first, and the process stands
/// where it stood.
///
/// Source: "mnt: add support for non-rootfs initramfs" (I. Korchagin, 2020). `seal` goes before
/// `chroot`, while an absolute path still leads to rootfs.
public func makeLeaf<Calls: Syscalls>(_ calls: inout Calls) throws(Failure) {
  var next = Step.mount.rawValue

  while let step = Step(rawValue: next) {
    let result = take(step, &calls)

    if result < 0 {
      while next > 0 {
        next -= 1
        if let taken = Step(rawValue: next) { undo(taken, &calls) }
      }
      throw Failure(step: step, code: -result)
    }
    next += 1
  }
}

private func take<Calls: Syscalls>(_ step: Step, _ calls: inout Calls) -> Int32 {
  switch step {
  case .mount: calls.mountTmpfs(on: leafPath)
  case .fill: calls.fill(leafPath)
  case .chdir: calls.chdir(leafPath)
  case .seal: calls.seal()
  case .chroot: calls.chroot(".")
  }
}

/// Takes `step` back. What fails here cannot be helped any further, and is not looked at.
private func undo<Calls: Syscalls>(_ step: Step, _ calls: inout Calls) {
  switch step {
  case .mount: _ = calls.umount(leafPath)
  case .fill: calls.restore()
  case .chdir: _ = calls.chdir("/")
  case .seal: calls.unseal()
  case .chroot: break
  }
}
