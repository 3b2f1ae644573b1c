// SPDX-License-Identifier: MIT

import CLinux
import Evidence
import Leaf
import Tree

/// PID 1: makes the leaf if requested and possible, brings the tree there, and becomes the real
/// init.
struct Init<Packed: PackedTree> {
  let words: Words
  let proc: Proc
  let log = Log()

  /// The tree, until it is unpacked; nil if the kernel has unpacked it.
  var packed: Packed?

  init(_ words: Words, _ proc: Proc) {
    self.words = words
    self.proc = proc
  }

  /// Returns only if no init can be executed, with the exit status. The kernel then panics, and
  /// follows `panic=`.
  mutating func run() -> Int32 {
    var facts = LinuxFacts(words, proc, log)
    let allowance = Allowance.take()
    // Before its path can be the one of a program of the payload.
    let own = OwnProgram()

    let decision = decide(&facts)
    if case .refuse = decision { return refuse() }
    guard findPacked() else { return 1 }
    let preferred = preferredInits
    guard isPackedWhole(&facts), obey(decision, facts), unpackInPlace() else { return 1 }

    allowance.giveBack(log)
    RealInit(words, own, preferring: preferred).start(log)
    log.write(.critical, "no working init found; try leafroot_init=/path")
    return 1
  }

  /// Makes the leaf, or says why not.
  ///
  /// - Returns: whether the boot may continue.
  private mutating func obey(_ decision: Decision, _ facts: LinuxFacts) -> Bool {
    switch decision {
    case .refuse:
      return false
    case .notAsked:
      if packed == nil { log.write(.info, "nonroot_initramfs is not set, nothing to do") }
    case .halfUnpacked:
      stop(facts.image.complaint)
      return false
    case .alreadyLeaf:
      warnOfImage(facts.image)
      log.write(
        .info,
        packed == nil
          ? "the root is already a leaf, nothing to do" : "the root is already a leaf")
    case .cannot(let reason):
      report(Text(reason), at: "guard")
    case .mountInTheWay:
      report(facts.obstacle, at: "guard")
    case .make:
      warnOfImage(facts.image)
      return make()
    }
    return true
  }

  /// Warns of defects of the image if the boot continues.
  private func warnOfImage(_ image: ImageVerdict) {
    if let complaint = image.complaint {
      var text = Text(
        "the image is half unpacked, the boot continues (leafroot_partial=ok). The kernel: ")
      text.add(complaint)
      log.write(.error, text)
    } else if !image.isComplete {
      log.write(
        .warning,
        """
        the kernel's log has lost its first lines: cannot tell whether the image is complete \
        (log_buf_len=)
        """)
    }
  }

  /// - Returns: whether the real init may run.
  private mutating func make() -> Bool {
    guard var calls = LinuxSyscalls(words, proc, packed) else {
      report(Text("/ cannot be read"), at: "guard")
      return true
    }
    let start = milliseconds()

    do throws(Leaf.Failure) {
      try makeLeaf(&calls)
    } catch {
      return handle(error, &calls)
    }

    Handover(calls, proc, log).run()
    let time = milliseconds() - start
    if let packed = calls.packed {
      warnOfLosses(packed)
      logTree("unpacked ", packed.entries, packed.bytes, time, "; the root is a leaf")
    } else {
      logTree("moved ", calls.entries, calls.bytes, time, "; the root is a leaf")
    }
    packed = nil
    return true
  }

  func logTree(
    _ verb: StaticString, _ entries: Int, _ bytes: Int, _ milliseconds: Int, _ end: StaticString
  ) {
    var text = Text(verb)
    text.add(entries)
    text.add(" entries, ")
    text.add(bytes)
    text.add(" bytes in ")
    text.add(milliseconds)
    text.add(" ms")
    log.write(.info, text + end)
  }

  /// All acts have been undone, unless the tree is torn.
  private mutating func handle(
    _ error: Leaf.Failure, _ calls: inout LinuxSyscalls<Packed>
  ) -> Bool {
    var reason = Text()
    if error.step == .fill, let words = calls.reason {
      reason = words
    } else {
      if error.step == .fill, let failure = calls.failure { reason.add(failure) }
      reason.add(error: error.code)
    }
    report(reason, at: error.step.name)

    if calls.isTorn {
      log.write(.critical, Self.tornWords(isPacked: packed != nil))
      return false
    }
    // Once it was unpacked, the tree has been brought back as a whole.
    packed = calls.packed.flatMap { $0.isConsumed ? nil : $0 }
    calls.restoreTimes()
    close(calls.rootfs)
    if packed == nil { openConsole(log) }
    return true
  }

  private static func tornWords(isPacked: Bool) -> StaticString {
    isPacked
      ? "a part of the payload has been freed: it cannot be unpacked again, the boot stops"
      : "cannot move the tree back: a part of it remains in /.leaf"
  }

  /// The seed's own line.
  private func report(_ reason: Text, at step: StaticString) {
    var text = Text(Vocabulary.failurePrefix)
    text.add(step)
    text.add(": ")
    text.add(reason.bytes)
    log.writeBare(.error, text)
  }

  private func refuse() -> Int32 {
    let text = Text(
      """
      leafroot-init: refused: not process 1 of this machine
      It moves the root file system away. Start it with rdinit=, or run 'leafroot-init check'.

      """)
    text.write(to: 2)
    return ExitStatus.usage
  }

  func stop(_ complaint: [UInt8]?) {
    var info = sysinfo()
    sysinfo(&info)
    let words = LastWords(
      complaint, Limits(ofPath: "/") ?? Limits(), memory: Int(info.totalram) * Int(info.mem_unit),
      hasOptions: self.words.options != nil)
    for line in words.lines { log.write(.critical, line) }
  }
}

/// The limits that PID 1 raises for itself, and restores before the real init runs. It leaves a
/// limit alone that it cannot read.
private struct Allowance {
  private let files: rlimit?
  private let priority: Int32?

  /// Open files: two for each level of the tree, and for each directory whose files are being
  /// moved.
  ///
  /// Priority: the whole machine waits for the move, and on a single processor the kernel's
  /// start-up work would compete with it: the crypto self-tests alone take 0.7 s there.
  static func take() -> Allowance {
    var files = rlimit()
    let hasLimit = getrlimit(RLIMIT_NOFILE, &files) == 0
    if hasLimit {
      var more = rlimit(rlim_cur: 65536, rlim_max: max(65536, files.rlim_max))
      setrlimit(RLIMIT_NOFILE, &more)
    }

    // -1 is also a valid priority, but not that of the kernel's first program.
    let priority = getpriority(PRIO_PROCESS, 0)
    let hasPriority = priority != -1
    if hasPriority { setpriority(PRIO_PROCESS, 0, -20) }
    return Allowance(files: hasLimit ? files : nil, priority: hasPriority ? priority : nil)
  }

  func giveBack(_ log: Log) {
    if var files, setrlimit(RLIMIT_NOFILE, &files) < 0 {
      log.write(.error, "the real init's limit of open files remains 65536")
    }
    if let priority, setpriority(PRIO_PROCESS, 0, priority) < 0 {
      log.write(.error, "the real init's priority remains -20")
    }
  }
}

/// Approximately since the kernel started.
func milliseconds() -> Int {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
}
