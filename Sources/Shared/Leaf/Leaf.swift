// SPDX-License-Identifier: MIT

/// The system calls that make a leaf, as Linux names them.
///
/// Each returns 0, or the negated errno, like a function inside the kernel. Conformers: Linux's own
/// calls in PID 1, the kernel's `init_*` helpers (fs/init.c), and a recorder in the tests.
public protocol Syscalls {
  mutating func chdir(_ path: StaticString) -> Int32
  mutating func chroot(_ path: StaticString) -> Int32
  mutating func umount(_ path: StaticString) -> Int32

  /// Mounts a tmpfs with options (size, nr_inodes …) that the conformer knows: mount(2).
  mutating func mountTmpfs(on path: StaticString) -> Int32

  /// Fills the leaf mounted on `path` with the tree from rootfs. In the kernel there is nothing to
  /// move yet: the initramfs is unpacked afterwards. Undoes its own work if it fails.
  mutating func fill(_ path: StaticString) -> Int32

  /// Moves the tree back; called after `fill`, if a later step fails.
  mutating func restore()

  /// Makes the mount of rootfs read-only, as it is empty now. In PID 1 it is not, so this waits
  /// until rootfs has been emptied.
  mutating func seal() -> Int32

  /// Makes the mount writable again; called after `seal`, if a later step fails.
  mutating func unseal()
}

/// How rootfs is sealed: flags of mount(2), include/uapi/linux/mount.h.
public enum SealFlag {
  /// MS_REMOUNT | MS_BIND: changes only the mount, not the file system.
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

  /// The name in the log.
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

/// The step that failed, and why.
public struct Failure: Error {
  public let step: Step

  /// A positive errno.
  public let code: Int32
}

/// Where the leaf is mounted and found: on the root itself. A path that begins at `/` does not look
/// for mounts there, but one that goes through `..` does (fs/namei.c, nd_jump_root(),
/// handle_dots()). So no mount point has to be made or removed.
public var leafPath: StaticString { "/.." }

/// Makes a leaf: a tmpfs mounted on the root of rootfs that holds the tree, and is the root
/// directory of this process and of all that share its `fs_struct`: kernel threads, usermode
/// helpers. rootfs keeps no trace of it.
///
/// The root directory must be that of rootfs, or that of a leaf, which becomes the lower one. If a
/// step fails, the steps before it are undone in reverse order, and the process is back where it
/// was.
///
/// Source: "mnt: add support for non-rootfs initramfs" (I. Korchagin, 2020). `seal` comes before
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

/// Undoes `step`. Failures are ignored, as nothing more can be done.
private func undo<Calls: Syscalls>(_ step: Step, _ calls: inout Calls) {
  switch step {
  case .mount: _ = calls.umount(leafPath)
  case .fill: calls.restore()
  case .chdir: _ = calls.chdir("/")
  case .seal: calls.unseal()
  case .chroot: break
  }
}
