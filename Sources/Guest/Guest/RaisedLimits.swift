// SPDX-License-Identifier: MIT

import CLinux

/// The limits that PID 1 raises for itself, and restores before the real init runs. A limit that
/// cannot be read is left alone.
struct RaisedLimits {
  private let files: rlimit?
  private let stack: rlimit?
  private let priority: Int32?

  /// Open files: two for each level of the tree, and for each directory whose files are being
  /// moved. Stack: one call or more for each level; beyond this, the kernel keeps no address space
  /// free (arch_pick_mmap_layout()).
  ///
  /// Priority: the whole machine waits for the move, and on a single processor the kernel's
  /// start-up work would compete with it: the crypto self-tests alone take 0.7 s there.
  static func raise() -> RaisedLimits {
    // -1 is also a valid priority, but not that of the kernel's first program.
    let priority = getpriority(PRIO_PROCESS, 0)
    let hasPriority = priority != -1
    if hasPriority { setpriority(PRIO_PROCESS, 0, -20) }
    return RaisedLimits(
      files: raise(RLIMIT_NOFILE, to: 65536), stack: raise(RLIMIT_STACK, to: 96 << 20),
      priority: hasPriority ? priority : nil)
  }

  /// - Returns: the old limit; nil if it cannot be read.
  private static func raise(_ resource: Int32, to value: rlim_t) -> rlimit? {
    var old = rlimit()
    if getrlimit(resource, &old) < 0 { return nil }
    if old.rlim_cur < value {
      var new = rlimit(rlim_cur: value, rlim_max: max(value, old.rlim_max))
      setrlimit(resource, &new)
    }
    return old
  }

  func restore(_ log: Log) {
    if var files, setrlimit(RLIMIT_NOFILE, &files) < 0 {
      log.write(.error, "the real init's limit of open files remains 65536")
    }
    if var stack, setrlimit(RLIMIT_STACK, &stack) < 0 {
      log.write(.error, "the real init's limit of the stack remains 96 MiB")
    }
    if let priority, setpriority(PRIO_PROCESS, 0, priority) < 0 {
      log.write(.error, "the real init's priority remains -20")
    }
  }
}
