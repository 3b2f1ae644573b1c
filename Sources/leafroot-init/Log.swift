// SPDX-License-Identifier: MIT

import CLinux

/// The kernel log, to which PID 1 writes; standard error where it cannot be had, and for last words.
struct Log {
  /// syslog levels, syslog(3): what is above `warning` reaches the console although `quiet` is given.
  enum Level: Int {
    case critical = 2
    case error = 3
    case info = 6
  }

  private let kmsg: Int32

  /// Nobody needs to have made /dev/kmsg: a node in a file system that is attached nowhere will do.
  init() {
    let scratch = detachedMount(of: "tmpfs")
    defer { close(scratch) }
    if scratch >= 0, mknodat(scratch, "kmsg", UInt32(S_IFCHR) | 0o600, linux_makedev(1, 11)) == 0 {
      kmsg = linux_openat(scratch, "kmsg", O_WRONLY, 0)
    } else {
      kmsg = linux_openat(AT_FDCWD, "/dev/kmsg", O_WRONLY, 0)
    }
  }

  /// One line, after "leafroot: ".
  func write(_ level: Level, _ text: Text) {
    var line = Text("leafroot: ")
    line.add(text.bytes)
    writeBare(level, line)
  }

  func write(_ level: Level, _ text: StaticString) { write(level, Text(text)) }

  /// One line without our name before it: the seed's own.
  func writeBare(_ level: Level, _ text: Text) {
    let line = text + "\n"
    if kmsg >= 0 {
      var record = Text("<")
      record.add(level.rawValue)
      record.add(">")
      record.add(line.bytes)
      record.write(to: kmsg)
    }
    // Last words go to the console in any case: /dev/kmsg may have been turned off, and still take
    // what is written (printk.devkmsg=off).
    if kmsg < 0 || level == .critical { line.write(to: 2) }
  }

  /// What klogctl(3) is to do.
  private enum Action {
    static var readAll: Int32 { 3 }
    static var consoleOff: Int32 { 6 }
    static var consoleOn: Int32 { 7 }
    static var sizeBuffer: Int32 { 10 }
  }

  /// Whether the kernel shows its messages on the console meanwhile.
  static func showOnConsole(_ isShown: Bool) {
    klogctl(isShown ? Action.consoleOn : Action.consoleOff, nil, 0)
  }

  /// What the kernel has logged so far, oldest first, without levels and times.
  static func lines() -> [[UInt8]] {
    let size = klogctl(Action.sizeBuffer, nil, 0)
    if size <= 0 { return [] }
    let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: Int(size))
    defer { buffer.deallocate() }
    let count = klogctl(Action.readAll, buffer, size)
    if count <= 0 { return [] }

    return UnsafeRawBufferPointer(start: buffer, count: Int(count))
      .split(separator: 0x0a)
      .map { message(of: Array($0)) }
  }

  /// `<6>[    0.123456] message` → `message`
  private static func message(of line: [UInt8]) -> [UInt8] {
    var rest = line[...]
    if rest.first == 0x3c, let end = rest.firstIndex(of: 0x3e) { rest = rest[(end + 1)...] }
    if rest.first == 0x5b, let end = rest.firstIndex(of: 0x5d) {
      rest = rest[(end + 1)...].dropFirst()
    }
    return Array(rest)
  }
}
