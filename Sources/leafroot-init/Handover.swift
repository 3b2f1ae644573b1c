// SPDX-License-Identifier: MIT

import CLinux
import Evidence
import Tree

/// The root is a leaf: what is left on rootfs goes, and this program leaves no trace for the real
/// init. What fails here is logged, and stops nothing.
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
    removeOwnFile()
    emptyRootfs()
    sealRootfs()
    openConsole()
  }

  /// A raw archive that is cut short leaves its last file as long as it should be
  /// (init/initramfs.c, do_name()), and the kernel says nothing.
  private func warnOfHoles() {
    if calls.filesEndingInHole == 0 { return }
    var text = Text(calls.firstEndingInHole)
    text.add(" ends in a hole")
    if calls.filesEndingInHole > 1 {
      text.add(", as do other files, ")
      text.add(calls.filesEndingInHole)
      text.add(" in all")
    }
    text.add(": the image may be cut short")
    log.write(.warning, text)
  }

  /// This program was moved with the tree.
  private func removeOwnFile() {
    guard let path = RealInit.ownPath() else { return }
    var own = bytes(of: path)
    while let last = own.popLast(), last != 0x2f {}
    let parent = own.isEmpty ? Text("/") : Text(own)

    let directory = parent.withCString { linux_openat(AT_FDCWD, $0, O_RDONLY | O_DIRECTORY, 0) }
    if directory < 0 { return }
    defer { close(directory) }
    let status = try? Status(of: directory)
    unlink(path)
    if let status { try? setTimes(of: directory, status) }
  }

  /// Until it stays empty: a usermode helper that the kernel started while the tree moved has
  /// rootfs as its root directory for good, and may write there.
  private func emptyRootfs() {
    var inhabitants: [Int] = []
    var failure: Tree.Failure?

    Proc.poll {
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
      text.add(") started in rootfs while the tree moved, and stays there")
      log.write(.error, text)
    }
    if let failure { warn("rootfs is not empty", failure) }
  }

  private func sealRootfs() {
    // Of the mount, not of the file system, which has a deleted file in use: this program.
    let flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC
    if fchdir(calls.rootfs) < 0 || mount(nil, ".", nil, UInt(flags), nil) < 0 {
      warn("rootfs is not sealed", Tree.Failure("mount", linux_errno()))
    }
    chdir("/")
    close(calls.rootfs)
  }

  /// Standard input, output and error of the real init: the leaf's console, as the kernel would
  /// open it (init/main.c, console_on_rootfs()), in place of a deleted file on rootfs.
  private func openConsole() {
    let console = linux_openat(AT_FDCWD, "/dev/console", O_RDWR, 0)
    if console < 0 { return }
    for descriptor: Int32 in 0...2 where descriptor != console { dup2(console, descriptor) }
    // If the kernel had none to give, it is one of the three itself: only its close-on-exec flag goes.
    if console > 2 { close(console) } else { linux_keep_on_exec(console) }
  }

  private func warn(_ what: StaticString, _ failure: Tree.Failure) {
    var text = Text(what)
    text.add(": ")
    text.add(failure)
    text.add(error: failure.code)
    log.write(.error, text)
  }
}

extension Text {
  /// The call, and what it was made for: `step name: `
  mutating func add(_ failure: Tree.Failure) {
    add(failure.step)
    if !failure.name.isEmpty {
      add(" ")
      add(failure.name)
    }
    add(": ")
  }
}
