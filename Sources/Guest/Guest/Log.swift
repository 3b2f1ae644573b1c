// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Leaf
import Tree

/// The kernel's log, which PID 1 reads and writes. Lines that the log does not accept go to
/// standard error, as do last words.
struct Log {
  /// syslog levels, syslog(3): those above `warning` reach the console even with `quiet`.
  enum Level: Int {
    case critical = 2
    case error = 3
    case warning = 4
    case info = 6
  }

  /// The directory of a node like /dev/kmsg, which the image need not have; -1 for /dev/kmsg
  /// itself.
  private let scratch: Int32

  /// The log, open for reading; -1 if the kernel lets no one open it (printk.devkmsg=off).
  private let kmsg: Int32

  /// The log from syslog(2), if it cannot be opened.
  private let copy: [UInt8]

  init() {
    scratch = Self.makeNode()
    kmsg = Self.open(in: scratch)
    copy = kmsg < 0 ? Self.readAll() : []
  }

  func close() { _ = CLinux.close(kmsg) }

  /// Whether anything is known about what the kernel has logged.
  var isReadable: Bool { kmsg >= 0 || !copy.isEmpty }

  /// Makes a node on a detached file system, in case the image has none, or a different one.
  private static func makeNode() -> Int32 {
    let scratch = detachedMount(of: "tmpfs")
    if scratch < 0 { return -1 }
    if mknodat(scratch, "kmsg", UInt32(S_IFCHR) | 0o600, device) == 0 { return scratch }
    _ = CLinux.close(scratch)
    return -1
  }

  private static func open(in scratch: Int32) -> Int32 {
    let path: StaticString = scratch < 0 ? "/dev/kmsg" : "kmsg"
    let flags = O_RDWR | O_NONBLOCK | O_NOCTTY
    let file = path.withCString { linux_openat(scratch < 0 ? AT_FDCWD : scratch, $0, flags, 0) }
    // The image may have a file of the tree by that name.
    var status = stat()
    if file >= 0, fstat(file, &status) < 0 || status.st_rdev != device {
      _ = CLinux.close(file)
      return -1
    }
    return file
  }

  /// Documentation/admin-guide/devices.txt
  private static var device: dev_t { linux_makedev(1, 11) }

  /// SYSLOG_ACTION_SIZE_BUFFER and SYSLOG_ACTION_READ_ALL, syslog(2).
  private static func readAll() -> [UInt8] {
    let size = klogctl(10, nil, 0)
    // CONFIG_LOG_BUF_SHIFT is 25 at most; log_buf_len= allows 2 GiB.
    guard size > 0, size <= 64 << 20 else { return [] }
    var text = [CChar](repeating: 0, count: Int(size))
    let count = klogctl(3, &text, size)
    return count > 0 ? text[..<Int(count)].map { UInt8(bitPattern: $0) } : []
  }

  /// Writes one line, after ``Vocabulary/logPrefix``.
  func write(_ level: Level, _ text: Text) {
    var line = Text(Vocabulary.logPrefix)
    line.add(text.bytes)
    writeBare(level, line)
  }

  func write(_ level: Level, _ text: StaticString) { write(level, Text(text)) }

  /// Writes one line without our prefix: the seed's own.
  func writeBare(_ level: Level, _ text: Text) {
    let isLogged = record(level, text.bytes[...])
    // Last words always go to the console.
    if !isLogged || level == .critical { (text + "\n").write(to: 2) }
  }

  /// A record is at most this long (kernel/printk/printk.c, devkmsg_write(): LOG_LINE_MAX, 976).
  private static var longest: Int { 900 }

  /// - Returns: whether all of the line is in the log.
  private func record(_ level: Level, _ line: ArraySlice<UInt8>) -> Bool {
    // The kernel counts the lines of each open file, and discards those above its limit in silence
    // (printk.devkmsg=ratelimit).
    let file = Self.open(in: scratch)
    if file < 0 { return false }
    defer { _ = CLinux.close(file) }

    var record = Text("<")
    record.add(level.rawValue)
    record.add(">")
    record.add(line.prefix(Self.longest))
    if line.count > Self.longest { record.add(" …") }
    return (record + "\n").write(to: file) && line.count <= Self.longest
  }

  /// Calls `body` with each record that the kernel still has, the oldest first.
  func forEachRecord(_ body: (LogRecord) -> Void) {
    if kmsg < 0 {
      var number = 0
      for line in copy.split(separator: 0x0a) {
        guard let record = LogRecord(syslog: line, number: number) else { continue }
        body(record)
        number = record.sequence + 1
      }
      return
    }
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
  /// Warns that something of this program, or of the payload, could not be removed.
  func warnOfTrace(_ failure: Tree.Failure) {
    warn("a trace of this program remains in the tree", failure)
  }

  /// Logs `what`, and the failed call.
  func warn(_ what: StaticString, _ failure: Tree.Failure) {
    var text = Text(what)
    text.add(": ")
    text.add(Text(call: failure).bytes)
    write(.error, text)
  }
}

extension Text {
  /// The call, the entry, and the reason: `step name: reason`.
  init(call failure: Tree.Failure) {
    self.init(failure.step)
    if !failure.name.isEmpty {
      add(" ")
      add(failure.name)
    }
    add(": ")
    add(error: failure.code)
  }
}
