// SPDX-License-Identifier: MIT

import Glibc
import SystemPackage

/// Relays between the terminal on standard input and the command in a machine.
///
/// The terminal is raw while this exists and the command has started.
struct TerminalRelay: ~Copyable {
  /// The machine's console; both are non-blocking.
  private let input: FileDescriptor
  private let output: FileDescriptor
  private let onOutput: ([UInt8]) throws -> Void
  private let onStart: (Check) -> Void

  private var report = GuestReport(lineEnd: "\r\n")
  private var terminal: RawTerminal?
  private var isTerminalOpen = true
  private var stopKey = StopKey()
  /// Keys that the machine has not yet accepted.
  private var typed: [UInt8] = []
  private var isLineStart = true

  /// The longest wait in milliseconds: the caller checks this often whether to end.
  private static let interval: Int32 = 100

  init(
    input: FileDescriptor, output: FileDescriptor, onOutput: @escaping ([UInt8]) throws -> Void,
    onStart: @escaping (Check) -> Void
  ) {
    self.input = input
    self.output = output
    self.onOutput = onOutput
    self.onStart = onStart
  }

  /// Waits for data and passes it on. poll(2).
  mutating func goOn() throws {
    // poll(2) ignores a negative descriptor.
    let isListening = report.hasStarted && isTerminalOpen && typed.isEmpty
    var ready = [
      pollfd(fd: output.rawValue, events: Int16(POLLIN), revents: 0),
      pollfd(fd: isListening ? STDIN_FILENO : -1, events: Int16(POLLIN), revents: 0),
      pollfd(fd: typed.isEmpty ? -1 : input.rawValue, events: Int16(POLLOUT), revents: 0),
    ]
    guard poll(&ready, nfds_t(ready.count), TerminalRelay.interval) > 0 else { return }
    if ready[0].revents != 0 { try passOutput() }
    if ready[1].revents != 0 { try readKeys() }
    if !typed.isEmpty { passKeys() }
  }

  /// Passes on the rest once the machine has ended.
  mutating func finish() throws {
    while try passOutput() {}
    try write(report.finish())
    if !isLineStart { try write(Array("\r\n".utf8)) }
  }

  /// - Returns: Whether there was any output.
  @discardableResult private mutating func passOutput() throws -> Bool {
    let bytes = TerminalRelay.read(output)
    let hadStarted = report.hasStarted
    let piece = report.take(bytes)
    if !hadStarted, report.hasStarted, let check = report.check {
      onStart(check)
      terminal = RawTerminal()
    }
    try write(piece)
    return !bytes.isEmpty
  }

  private mutating func readKeys() throws {
    typed = TerminalRelay.read(.standardInput)
    guard !typed.isEmpty else {
      // It would always be ready. The kernel sends SIGHUP only to a process whose controlling
      // terminal it is.
      isTerminalOpen = false
      kill(getpid(), SIGHUP)
      return
    }
    // The line that looked like the command's end was its output.
    if report.hasEnded { try write(report.release()) }
    if stopKey.isPressed(in: typed) { kill(getpid(), SIGINT) }
  }

  private mutating func passKeys() {
    let count = try? typed.withUnsafeBytes { try input.write($0) }
    typed.removeFirst(count ?? 0)
  }

  private mutating func write(_ bytes: [UInt8]) throws {
    guard let last = bytes.last else { return }
    isLineStart = last == UInt8(ascii: "\n")
    try onOutput(bytes)
  }

  /// The available bytes; empty also on an error.
  private static func read(_ file: FileDescriptor) -> [UInt8] {
    let bytes = try? [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
      count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
    }
    return bytes ?? []
  }
}

/// Ctrl-] three times in a row, as in systemd-nspawn(1).
private struct StopKey {
  private var count = 0

  mutating func isPressed(in keys: [UInt8]) -> Bool {
    for key in keys {
      count = key == 0x1D ? count + 1 : 0
      if count == 3 { return true }
    }
    return false
  }
}
