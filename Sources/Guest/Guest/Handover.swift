// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Leaf
import Tree

/// The steps after the root is a leaf: open its console, empty and seal rootfs, and remove the
/// traces of this program. A failure is logged, and the boot continues.
struct Handover {
  private let calls: LinuxSyscalls
  private let proc: Proc
  private let log: Log

  init(_ calls: LinuxSyscalls, _ proc: Proc, _ log: Log) {
    self.calls = calls
    self.proc = proc
    self.log = log
  }

  func run() {
    warnOfHoles()
    // A packed tree does not contain this program.
    if calls.packed == nil { removeOwnFile() }
    if let trace = calls.trace { log.warnOfTrace(trace) }
    // Before rootfs is sealed: an image can have a file as its /dev/console, which the descriptors
    // of this process keep open for writing.
    openConsole(log)
    let isInhabited = emptyRootfs()
    sealRootfs(isInhabited)
  }

  /// If a raw archive is truncated, the kernel creates its last file in full length
  /// (init/initramfs.c, do_name()), and logs nothing.
  private func warnOfHoles() {
    if calls.filesEndingInHole == 0 { return }
    var text = Text(calls.firstEndingInHole)
    text.add(" ends in a hole")
    if calls.filesEndingInHole > 1 {
      text.add(" (one of ")
      text.add(calls.filesEndingInHole)
      text.add(" such files)")
    }
    text.add(": the image may be cut short")
    log.write(.warning, text)
  }

  /// Removes this program's file, which was moved with the tree.
  private func removeOwnFile() {
    guard let path = OwnProgram.path else { return }
    var own = bytes(of: path)
    while let last = own.popLast(), last != 0x2f {}
    let parent = own.isEmpty ? Text("/") : Text(own)

    let directory = parent.withCString { linux_openat(AT_FDCWD, $0, O_RDONLY | O_DIRECTORY, 0) }
    defer { close(directory) }
    do throws(Tree.Failure) {
      if directory < 0 { throw failure("open") }
      let status = try Status(of: directory)
      if unlink(path) < 0 { throw failure("unlink") }
      try setTimes(of: directory, status)
    } catch { log.warnOfTrace(error) }
  }

  /// Empties rootfs again until no usermode helper is left, or the time is up. A helper that
  /// started before the leaf was the root keeps rootfs as its root directory, and may write there.
  ///
  /// - Returns: whether a helper remains.
  private func emptyRootfs() -> Bool {
    var inhabitants: [Int] = []
    var failure: Tree.Failure?

    calls.deadline.await {
      inhabitants = (proc.otherPrograms() ?? []).filter { proc.lives($0, on: calls.status) }
      failure = nil
      do throws(Tree.Failure) { try empty(calls.rootfs) } catch { failure = error }
      return inhabitants.isEmpty
    }

    for process in inhabitants {
      var text = Text("process ")
      text.add(process)
      text.add(" (")
      text.add(proc.name(of: process))
      text.add(") started before the leaf was the root, and remains in rootfs")
      log.write(.error, text)
    }
    if let failure { warn("rootfs is not empty", failure) }
    return !inhabitants.isEmpty
  }

  /// Nothing can write to rootfs after this, so the last files are removed then: through another
  /// mount of rootfs, because this one is read-only.
  private func sealRootfs(_ isInhabited: Bool) {
    var writable: Int32 = -1
    if isInhabited {
      let mount = linux_clone_mount(calls.rootfs)
      writable = linux_openat(mount, ".", O_RDONLY | O_DIRECTORY, 0)
      close(mount)
    }

    if fchdir(calls.rootfs) < 0 || !remountReadOnly(isInhabited) {
      warn("rootfs is not sealed", failure("mount"))
    }
    chdir("/")
    close(calls.rootfs)

    if isInhabited {
      do throws(Tree.Failure) { try empty(writable) } catch { warn("rootfs is not empty", error) }
      close(writable)
    }
  }

  /// Changes the mount on the working directory, not the file system, where a deleted file is in
  /// use: this program.
  private func remountReadOnly(_ isInhabited: Bool) -> Bool {
    for _ in 0..<100 {
      if mount(nil, ".", nil, SealFlag.all, nil) == 0 { return true }
      // EBUSY: a file is open for writing.
      if !isInhabited || linux_errno() != EBUSY { return false }
      usleep(10_000)
    }
    return false
  }

  private func failure(_ call: StaticString) -> Tree.Failure { Tree.Failure(call, linux_errno()) }

  private func warn(_ what: StaticString, _ failure: Tree.Failure) { log.warn(what, failure) }
}
