// SPDX-License-Identifier: MIT

import CLinux
import Leaf
import Tree

/// PID 1: makes the leaf if it is asked to and can, and becomes the real init.
struct Init {
  private let words: Words
  private let proc: Proc
  private let log = Log()

  init(_ words: Words, _ proc: Proc) {
    self.words = words
    self.proc = proc
  }

  /// Ends only if nothing can be started, with the exit status; the kernel panics then, and does
  /// what `panic=` says.
  func run() -> Int32 {
    var facts = LinuxFacts(words, proc)
    let allowance = Allowance.take()

    switch decide(&facts) {
    case .refuse:
      return refuse()
    case .alreadyLeaf:
      log.write(.info, "the root is a leaf already, nothing to do")
    case .notAsked:
      log.write(.info, "nonroot_initramfs was not given, nothing to do")
    case .cannot(let reason):
      report(Text(reason), at: "guard")
    case .halfUnpacked:
      lastWords(about: facts.complaint)
      return 1
    case .make:
      guard make() else { return 1 }
    }

    proc.close()
    allowance.giveBack()
    RealInit(words).start(log)
    log.write(.critical, "no working init found; give leafroot_init=/path")
    return 1
  }

  /// - Returns: whether the real init may run.
  private func make() -> Bool {
    guard var calls = LinuxSyscalls(words, proc) else {
      report(Text("/ cannot be read"), at: "guard")
      return true
    }
    let start = milliseconds()

    do throws(Leaf.Failure) {
      try makeLeaf(&calls)
    } catch {
      return handle(error, &calls)
    }

    finish(calls)
    var text = Text("moved ")
    text.add(calls.entries)
    text.add(" entries, ")
    text.add(calls.bytes)
    text.add(" bytes in ")
    text.add(milliseconds() - start)
    text.add(" ms; the root is a leaf")
    log.write(.info, text)
    return true
  }

  /// The root is a leaf: what is left on rootfs goes, and this program leaves no trace.
  private func finish(_ calls: LinuxSyscalls) {
    removeOwnFile()
    keepingTimes(of: Text("/")) { log.open(in: $0) }
    do throws(Tree.Failure) {
      try empty(calls.rootfs)
    } catch { warn("rootfs is not empty", error) }

    // Of the mount, not of the file system, which has a deleted file in use: this program.
    let flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC
    if fchdir(calls.rootfs) < 0 || mount(nil, ".", nil, UInt(flags), nil) < 0 {
      warn("rootfs is not sealed", Tree.Failure("mount", linux_errno()))
    }
    chdir("/")
    close(calls.rootfs)
    openConsole()
  }

  /// Standard input, output and error of the real init: the leaf's console, as the kernel would
  /// open it (init/main.c, console_on_rootfs()), in place of a deleted file on rootfs.
  private func openConsole() {
    let console = linux_openat(AT_FDCWD, "/dev/console", O_RDWR, 0)
    if console < 0 { return }
    for descriptor: Int32 in 0...2 where descriptor != console { dup2(console, descriptor) }
    // If the kernel had no console to give, it is one of the three itself: only its close-on-exec
    // flag must go.
    if console > 2 { close(console) } else { linux_keep_on_exec(console) }
  }

  /// This program was moved with the tree.
  private func removeOwnFile() {
    guard let path = RealInit.ownPath() else { return }
    var own = bytes(of: path)
    var parent = Text()
    while let last = own.popLast(), last != 0x2f {}
    parent.add(own.isEmpty ? [0x2f] : own)

    keepingTimes(of: parent) { _ in unlink(path) }
  }

  /// Changes something in a directory, and leaves it its times.
  private func keepingTimes(of path: Text, _ change: (_ directory: Int32) -> Void) {
    let directory = path.withCString { linux_openat(AT_FDCWD, $0, O_RDONLY | O_DIRECTORY, 0) }
    if directory < 0 { return }
    defer { close(directory) }
    let status = try? Status(of: directory)
    change(directory)
    if let status { try? setTimes(of: directory, status) }
  }

  /// Everything has been undone, unless the tree is torn.
  private func handle(_ error: Leaf.Failure, _ calls: inout LinuxSyscalls) -> Bool {
    var reason = Text()
    if error.step == .fill, let failure = calls.failure {
      reason.add(failure)
    }
    reason.add(error: error.code)
    report(reason, at: error.step.name)

    if calls.isTorn {
      log.write(.critical, "a part of the tree is in /.leaf and could not be moved back")
      return false
    }
    calls.restoreTimes()
    close(calls.rootfs)
    return true
  }

  /// The seed's own line.
  private func report(_ reason: Text, at step: StaticString) {
    var text = Text("Failed to create a non-root filesystem for initramfs: ")
    text.add(step)
    text.add(": ")
    text.add(reason.bytes)
    log.writeBare(.error, text)
  }

  private func warn(_ what: StaticString, _ failure: Tree.Failure) {
    var text = Text(what)
    text.add(": ")
    text.add(failure)
    text.add(error: failure.code)
    log.write(.error, text)
  }

  private func refuse() -> Int32 {
    let text = Text(
      """
      leafroot-init: refused: this is not the machine's process 1
      It moves the root file system away. Give it to the kernel as rdinit=, or run 'check'.

      """)
    text.write(to: 2)
    return ExitStatus.usage
  }

  /// A part of the image is missing: what the kernel said, what there is, and what helps.
  private func lastWords(about complaint: [UInt8]) {
    var text = Text("the image is half unpacked, the boot stops. The kernel: ")
    text.add(complaint)
    log.write(.critical, text)

    var info = sysinfo()
    sysinfo(&info)
    let memory = Int(info.totalram) * Int(info.mem_unit)
    guard let limits = Limits(ofPath: "/") else { return }

    if !limits.hasInodes {
      log.write(
        .critical,
        """
        rootfs has no inode left. Needed: more memory, or initramfs_options=nr_inodes=N with N \
        above the number of entries
        """)
      return
    }

    // Full to the last page or nearly so: what did not fit was larger than what is left.
    guard limits.size > 0 && limits.size - limits.used < limits.size / 8 else {
      log.write(.critical, "rootfs is not full: the image is damaged, or cut short")
      return
    }
    var advice = Text("rootfs is full: ")
    advice.addMebibytes(limits.used)
    advice.add(" of ")
    advice.addMebibytes(limits.size)
    advice.add(", memory ")
    advice.addMebibytes(memory)
    if givenOptions(words, proc) != nil {
      advice.add(". Needed: a larger size= in initramfs_options")
    } else {
      // What the tree takes is known only from below; the limit is a share of the memory.
      advice.add(". Needed: more than ")
      advice.addMebibytes(limits.used * memory / limits.size * 9 / 8)
      advice.add(" of memory, or initramfs_options=size=90%")
    }
    log.write(.critical, advice)
  }
}

extension Text {
  /// The call, and what it was made for: `step name: `
  fileprivate mutating func add(_ failure: Tree.Failure) {
    add(failure.step)
    if !failure.name.isEmpty {
      add(" ")
      add(failure.name)
    }
    add(": ")
  }

  fileprivate mutating func addMebibytes(_ count: Int) {
    add(count >> 20)
    add(" MiB")
  }
}

/// What PID 1 allows itself, and gives back before the real init runs.
private struct Allowance {
  private let files: rlimit
  private let priority: Int32

  /// Open files: two for each level of the tree, and for each directory whose files are under way.
  ///
  /// Priority: the whole machine waits for the move, and on one processor it would share it with
  /// the kernel's own start-up work: the crypto self-tests alone take 0.7 s there.
  static func take() -> Allowance {
    var files = rlimit()
    getrlimit(RLIMIT_NOFILE, &files)
    var more = rlimit(rlim_cur: 65536, rlim_max: max(65536, files.rlim_max))
    setrlimit(RLIMIT_NOFILE, &more)

    let priority = getpriority(PRIO_PROCESS, 0)
    setpriority(PRIO_PROCESS, 0, -20)
    return Allowance(files: files, priority: priority)
  }

  func giveBack() {
    var files = files
    setrlimit(RLIMIT_NOFILE, &files)
    setpriority(PRIO_PROCESS, 0, priority)
  }
}

/// Since the kernel's start, nearly.
func milliseconds() -> Int {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
}
