// SPDX-License-Identifier: MIT

import CLinux
import Evidence
import Leaf
import Tree

/// The kernel's log, which PID 1 reads and writes; standard error if it is not available, and for
/// last words.
struct Log {
  /// syslog levels, syslog(3): those above `warning` reach the console even with `quiet`.
  enum Level: Int {
    case critical = 2
    case error = 3
    case warning = 4
    case info = 6
  }

  private let kmsg: Int32

  init() { kmsg = Self.open() }

  func close() { _ = CLinux.close(kmsg) }

  /// Opens /dev/kmsg, or creates such a node on a detached file system: the image need not have it.
  private static func open() -> Int32 {
    let path: StaticString = "/dev/kmsg"
    var status = stat()
    let isNode =
      path.withCString { lstat($0, &status) } == 0
      && status.st_mode & mode_t(S_IFMT) == mode_t(S_IFCHR) && status.st_rdev == device
    let flags = O_RDWR | O_NONBLOCK
    if isNode { return path.withCString { linux_openat(AT_FDCWD, $0, flags, 0) } }

    let scratch = detachedMount(of: "tmpfs")
    if scratch < 0 { return -1 }
    defer { _ = CLinux.close(scratch) }
    guard mknodat(scratch, "kmsg", UInt32(S_IFCHR) | 0o600, device) == 0 else { return -1 }
    return linux_openat(scratch, "kmsg", flags, 0)
  }

  /// Documentation/admin-guide/devices.txt
  private static var device: dev_t { linux_makedev(1, 11) }

  /// One line, after ``Vocabulary/logPrefix``.
  func write(_ level: Level, _ text: Text) {
    var line = Text(Vocabulary.logPrefix)
    line.add(text.bytes)
    writeBare(level, line)
  }

  func write(_ level: Level, _ text: StaticString) { write(level, Text(text)) }

  /// One line without our prefix: the seed's own.
  func writeBare(_ level: Level, _ text: Text) {
    let line = text + "\n"
    if kmsg >= 0 {
      var record = Text("<")
      record.add(level.rawValue)
      record.add(">")
      record.add(line.bytes)
      record.write(to: kmsg)
    }
    // Last words always go to the console: /dev/kmsg may discard what is written
    // (printk.devkmsg=off).
    if kmsg < 0 || level == .critical { line.write(to: 2) }
  }

  /// Calls `body` with each record that the kernel still has, the oldest first.
  func forEachRecord(_ body: (LogRecord) -> Void) {
    if kmsg < 0 { return }
    lseek(kmsg, 0, SEEK_SET)
    forEachNewRecord(body)
  }

  /// Calls `body` with each record since the last one that was read.
  func forEachNewRecord(_ body: (LogRecord) -> Void) {
    // The longest record is CONSOLE_EXT_LOG_MAX, kernel/printk/internal.h. No ring buffer has a
    // million of them.
    var buffer = [UInt8](repeating: 0, count: 8192)
    for _ in 0..<1_000_000 {
      let count = read(kmsg, &buffer, buffer.count)
      // EPIPE: this record has just been overwritten; the next read(2) returns the oldest.
      if count < 0 && linux_errno() == EPIPE { continue }
      if count <= 0 { return }
      if let record = LogRecord(buffer[..<count]) { body(record) }
    }
  }

  /// Sets whether the kernel prints its messages on the console.
  static func showOnConsole(_ isShown: Bool) {
    // SYSLOG_ACTION_CONSOLE_ON and SYSLOG_ACTION_CONSOLE_OFF, syslog(2)
    klogctl(isShown ? 7 : 6, nil, 0)
  }
}

extension Log {
  /// Something of this program, or of the payload, could not be removed.
  func warnOfTrace(_ failure: Tree.Failure) {
    warn("a trace of this program remains in the tree", failure)
  }

  /// Logs that `what` did not succeed, and goes on.
  func warn(_ what: StaticString, _ failure: Tree.Failure) {
    var text = Text(what)
    text.add(": ")
    text.add(failure)
    text.add(error: failure.code)
    write(.error, text)
  }
}

extension Text {
  /// The call and the entry: `step name: `
  mutating func add(_ failure: Tree.Failure) {
    add(failure.step)
    if !failure.name.isEmpty {
      add(" ")
      add(failure.name)
    }
    add(": ")
  }
}
