// SPDX-License-Identifier: MIT

import Glibc
import SystemPackage

/// What the terminal on standard input and the command in a machine say to each other.
///
/// The terminal is raw while this exists and the command has started.
struct TerminalRelay: ~Copyable {
  /// The console of the machine. Both do not block.
  private let input: FileDescriptor
  private let output: FileDescriptor
  private let onOutput: ([UInt8]) throws -> Void
  private let onStart: (Check) -> Void

  private var report = GuestReport(lineEnd: "\r\n")
  private var terminal: RawTerminal?
  private var isTerminalOpen = true
  private var stopKey = StopKey()
  /// Keys that the machine has not taken yet.
  private var typed: [UInt8] = []
  private var isLineStart = true

  /// How long to wait for something to pass on, in milliseconds: who ends this looks that often.
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

  /// Waits, and passes on what there is. poll(2).
  mutating func goOn() throws {
    // A negative descriptor is not waited for.
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

  /// Passes on the rest, when the machine has ended.
  mutating func finish() throws {
    while try passOutput() {}
    try write(report.finish())
    if !isLineStart { try write(Array("\r\n".utf8)) }
  }

  /// - Returns: whether there was something.
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
      // It would be ready for ever. The kernel tells only who has it as the controlling terminal.
      isTerminalOpen = false
      kill(getpid(), SIGHUP)
      return
    }
    // The command printed a line that looks like its end.
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

  /// What is there; nothing also if it cannot be read.
  private static func read(_ file: FileDescriptor) -> [UInt8] {
    let bytes = try? [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
      count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
    }
    return bytes ?? []
  }
}

/// Ctrl-] three times in a row, as it leaves systemd-nspawn(1).
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
