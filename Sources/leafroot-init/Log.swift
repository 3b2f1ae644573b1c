// SPDX-License-Identifier: MIT

import CLinux

/// The kernel log, to which PID 1 writes; standard error where it cannot be had, and for last words.
final class Log {
  /// syslog levels, syslog(3): what is above `warning` reaches the console although `quiet` is given.
  enum Level: Int {
    case critical = 2
    case error = 3
    case info = 6
  }

  private var kmsg: Int32 = -1

  /// Opens the log by a node that is made in `directory` and removed again: nobody needs to have
  /// made /dev/kmsg.
  func open(in directory: Int32) {
    let mode = UInt32(S_IFCHR) | 0o600
    guard mknodat(directory, ".leafroot-kmsg", mode, linux_makedev(1, 11)) == 0 else { return }
    kmsg = linux_openat(directory, ".leafroot-kmsg", O_WRONLY, 0)
    unlinkat(directory, ".leafroot-kmsg", 0)
  }

  /// Opens the log without a change to the tree. A mount costs milliseconds, as it waits for the
  /// kernel's other threads; so this is not for the way on which nothing goes wrong.
  private func open() {
    kmsg = linux_openat(AT_FDCWD, "/dev/kmsg", O_WRONLY, 0)
    if kmsg >= 0 { return }

    let scratch = detachedMount(of: "tmpfs")
    if scratch < 0 { return }
    open(in: scratch)
    close(scratch)
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
    if kmsg < 0 { open() }
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

  /// The messages that begin with one of `prefixes`, of what the kernel has logged so far, oldest
  /// first, without levels and times.
  ///
  /// The log is 128 kB and more, and this is asked before every move: its lines are looked at where
  /// they lie.
  static func messages(beginningWith prefixes: StaticString...) -> [[UInt8]] {
    let size = Int(klogctl(Action.sizeBuffer, nil, 0))
    if size <= 0 { return [] }
    let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: size + 1)
    defer { buffer.deallocate() }
    let count = Int(klogctl(Action.readAll, buffer, Int32(size)))
    if count <= 0 { return [] }
    buffer[count] = 0

    var found: [[UInt8]] = []
    var line: UnsafeMutablePointer<CChar>? = buffer
    while let start = line {
      let end = strchr(start, 0x0a)
      end?.pointee = 0
      let message = message(of: start)
      for prefix in prefixes where hasPrefix(message, prefix) { found.append(bytes(of: message)) }
      line = end.map { $0 + 1 }
    }
    return found
  }

  /// `<6>[    0.123456] message` → `message`
  private static func message(of line: UnsafePointer<CChar>) -> UnsafePointer<CChar> {
    var rest = line
    if rest.pointee == 0x3c, let end = strchr(rest, 0x3e) { rest = UnsafePointer(end) + 1 }
    if rest.pointee == 0x5b, let end = strchr(rest, 0x5d), end[1] == 0x20 {
      rest = UnsafePointer(end) + 2
    }
    return rest
  }
}
