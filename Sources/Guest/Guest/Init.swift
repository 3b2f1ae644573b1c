// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Leaf
import Unpacking

/// PID 1: makes the leaf if requested and possible, moves or unpacks the tree into it, and becomes
/// the real init.
struct Init {
  private let parameters: Parameters
  private let proc: Proc
  private let log = Log()

  init(_ parameters: Parameters, _ proc: Proc) {
    self.parameters = parameters
    self.proc = proc
  }

  /// Returns only if no init can be executed, with the exit status. The kernel then panics, and
  /// follows `panic=`.
  mutating func run() -> Int32 {
    var facts = LinuxFacts(parameters, proc, log)
    let limits = RaisedLimits.raise()
    // Before a program of the payload can have its path.
    let own = OwnProgram()

    let decision = decide(&facts)
    if case .refuse = decision { return refuse() }
    if case .halfUnpacked = decision {
      // The payload then lacks files, too, as a consequence.
      stop(facts.image.complaint)
      return 1
    }
    if let failure = facts.payloadFailure {
      stopPacked(Text(failure))
      return 1
    }
    guard obey(decision, facts) else { return 1 }

    limits.restore(log)
    RealInit(parameters, own, preferring: preferredInits(facts.packed)).start(log)
    return 1
  }

  /// The program that the kernel was told to execute (`rdinit=`), if it is in the tree, and those
  /// that the images were packed with.
  private func preferredInits(_ packed: PackedTrees?) -> [Text] {
    guard let packed else { return [] }
    var paths: [Text] = []
    if let own = OwnProgram.path, !matches(own, "/leafroot") { paths.append(Text(bytes(of: own))) }
    return paths + packed.realInits.map { Text($0) }
  }

  /// Makes the leaf, or reports why not.
  ///
  /// - Returns: whether the boot may continue.
  private mutating func obey(_ decision: Decision, _ facts: LinuxFacts) -> Bool {
    switch decision {
    case .refuse, .halfUnpacked:
      return false
    case .notAsked:
      log.write(.info, "nonroot_initramfs is not set, nothing to do")
    case .alreadyLeaf:
      warnOfImage(facts.image)
      log.write(.info, "the root is already a leaf, nothing to do")
    case .cannot(let reason):
      return report(Text(reason), at: "guard", isPacked: facts.packed != nil)
    case .mountInTheWay:
      return report(facts.obstacle, at: "guard", isPacked: facts.packed != nil)
    case .make:
      warnOfImage(facts.image)
      return make(facts.packed)
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
    } else if !log.isReadable {
      log.write(
        .warning, "the kernel's log cannot be read: cannot tell whether the image is complete")
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
  private func make(_ packed: PackedTrees?) -> Bool {
    if let lines = packed?.shortage() {
      for line in lines { log.write(.critical, line) }
      return false
    }
    guard var calls = LinuxSyscalls(parameters, proc, packed) else {
      return report(Text("/ cannot be read"), at: "guard", isPacked: packed != nil)
    }
    let start = milliseconds()

    do throws(Leaf.Failure) {
      try makeLeaf(&calls)
    } catch {
      return handle(error, calls)
    }

    Handover(calls, proc, log).run()
    let time = milliseconds() - start
    if let packed {
      warnOfLosses(packed)
      logTree("unpacked ", packed.entries, packed.bytes, time)
      packed.logSquashes(log)
    } else {
      logTree("moved ", calls.entries, calls.bytes, time)
    }
    return true
  }

  private func logTree(
    _ verb: StaticString, _ entries: Int, _ bytes: Int, _ milliseconds: Int
  ) {
    var text = Text(verb)
    text.add(entries)
    text.add(" entries, ")
    text.add(bytes)
    text.add(" bytes in ")
    text.add(milliseconds)
    log.write(.info, text + " ms; the root is a leaf")
  }

  private func warnOfLosses(_ packed: PackedTrees) {
    for refusal in packed.refusals {
      var text = Text("Initramfs unpacking failed: ")
      text.add(Text(refusal).bytes)
      log.write(.error, text)
    }
    if packed.missingXattrs > 0 {
      var text = Text("the file system lacks ")
      text.add(packed.missingXattrs)
      text.add(" extended attributes of the tree")
      log.write(.warning, text)
    }
  }

  /// Handles a failed step. All acts have been undone, unless the tree is torn or was packed.
  private func handle(_ error: Leaf.Failure, _ calls: LinuxSyscalls) -> Bool {
    var reason = Text()
    if error.step == .fill, let words = calls.reason {
      reason = words
    } else if error.step == .fill, let failure = calls.failure {
      reason = Text(call: failure)
    } else {
      reason.add(error: error.code)
    }
    if let packed = calls.packed { warnOfLosses(packed) }
    guard report(reason, at: error.step.name, isPacked: calls.packed != nil) else { return false }

    if calls.isTorn {
      log.write(.critical, "cannot move the tree back: a part of it remains in /..")
      return false
    }
    close(calls.rootfs)
    openConsole(log)
    return true
  }

  /// Reports why there is no leaf: in the seed's own line, or in last words if a packed tree cannot
  /// be unpacked without a leaf.
  ///
  /// - Returns: whether the boot may continue.
  private func report(_ reason: Text, at step: StaticString, isPacked: Bool) -> Bool {
    var text = Text(step)
    text.add(": ")
    text.add(reason.bytes)
    if isPacked {
      stopPacked(text)
      return false
    }
    var line = Text(Vocabulary.failurePrefix)
    line.add(text.bytes)
    log.writeBare(.error, line)
    return true
  }

  private func stopPacked(_ reason: Text) {
    var text = Text("cannot unpack the payload, the boot stops: ")
    text.add(reason.bytes)
    log.write(.critical, text)
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

  private func stop(_ complaint: [UInt8]?) {
    var info = sysinfo()
    sysinfo(&info)
    let words = LastWords(
      complaint, Limits(ofPath: "/") ?? Limits(),
      memory: Int(clamping: info.totalram).times(Int(info.mem_unit)),
      hasOptions: self.parameters.options != nil)
    for line in words.lines { log.write(.critical, line) }
  }
}

/// The time since the kernel started, approximately.
func milliseconds() -> Int {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
}
