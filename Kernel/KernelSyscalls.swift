// SPDX-License-Identifier: GPL-2.0-only OR MIT

// The steps of the leaf as the kernel takes them before the initramfs is unpacked: the same
// Leaf.swift that PID 1 is made of, over the kernel's own helpers.

@_extern(c, "init_chdir")
private func initChdir(_ path: UnsafePointer<CChar>) -> Int32
@_extern(c, "init_chroot")
private func initChroot(_ path: UnsafePointer<CChar>) -> Int32
@_extern(c, "init_umount")
private func initUmount(_ path: UnsafePointer<CChar>, _ flags: Int32) -> Int32
@_extern(c, "init_mount")
private func initMount(
  _ source: UnsafePointer<CChar>?, _ target: UnsafePointer<CChar>,
  _ type: UnsafePointer<CChar>?, _ flags: UInt, _ options: UnsafeMutablePointer<CChar>?
) -> Int32

/// fs/init.c: what would be a system call, with the same errors, for code of the kernel.
///
/// The leaf needs no directory to be mounted on, which would have to be removed: an inode that goes
/// takes a lock of fs/notify/mark.c, which fsnotify_init() makes later than this. arm64 oopses there.
private struct KernelSyscalls: Syscalls {
  /// A whole page, which path_mount() writes to.
  let options: UnsafeMutablePointer<CChar>?

  func chdir(_ path: StaticString) -> Int32 { initChdir(path.cString) }
  func chroot(_ path: StaticString) -> Int32 { initChroot(path.cString) }
  func umount(_ path: StaticString) -> Int32 { initUmount(path.cString, 0) }

  func mountTmpfs(on path: StaticString) -> Int32 {
    let type: StaticString = "tmpfs"
    return initMount(type.cString, path.cString, type.cString, 0, options)
  }

  /// The kernel unpacks into the leaf, afterwards.
  func fill(_ path: StaticString) -> Int32 { 0 }
  func restore() {}

  /// rootfs is empty: nothing has been unpacked into it.
  func seal() -> Int32 { remountRootfs(SealFlag.all) }

  func unseal() { _ = remountRootfs(SealFlag.change) }

  /// Until `chroot`, `/` is rootfs, also below the leaf.
  private func remountRootfs(_ flags: UInt) -> Int32 {
    let root: StaticString = "/"
    return initMount(nil, root.cString, nil, flags, nil)
  }
}

extension StaticString {
  /// As C takes it: the compiler ends it with a NUL.
  fileprivate var cString: UnsafePointer<CChar> {
    UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self)
  }
}

/// Makes a leaf, the root for all that comes after.
///
/// - Parameters:
///   - options: Those of the tmpfs, in a whole page.
///   - step: Is set to the name of the step that failed.
/// - Returns: 0, or the negated errno; then everything is as it was.
@section(".init.text") @c(nonroot_initramfs_make)
public func makeNonrootInitramfs(
  options: UnsafeMutablePointer<CChar>?, step: UnsafeMutablePointer<UnsafePointer<CChar>?>
) -> Int32 {
  var calls = KernelSyscalls(options: options)
  do throws(Failure) {
    try makeLeaf(&calls)
    return 0
  } catch {
    step.pointee = error.step.name.cString
    return -error.code
  }
}
