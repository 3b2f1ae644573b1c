// SPDX-License-Identifier: MIT

public import Foundation

/// A terminal for a program, with the test in the role of the user. pty(7). Only one thread at a
/// time may use it.
public final class Pseudoterminal: @unchecked Sendable {
  /// The expected text did not appear.
  public struct Unseen: Error {
    public let text: String
    public let output: String
  }

  /// The program's side.
  public let file: FileHandle
  private var own: Int32
  private var bytes: [UInt8] = []
  private var seen = 0

  /// Opens a terminal with a window of this size. openpty(3).
  public init(rows: UInt16, columns: UInt16) throws {
    var descriptor: Int32 = -1
    var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    own = -1
    guard openpty(&own, &descriptor, nil, nil, &size) == 0 else {
      throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
    }
    file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    for end in [own, descriptor] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(own, F_SETFL, O_NONBLOCK)
  }

  deinit { hangUp() }

  /// Closes the terminal, as if the user had gone.
  public func hangUp() {
    if own >= 0 { close(own) }
    own = -1
  }

  /// The terminal's termios(3) structure.
  public var attributes: [UInt8] {
    var attributes = termios()
    _ = tcgetattr(file.fileDescriptor, &attributes)
    return withUnsafeBytes(of: &attributes) { Array($0) }
  }

  /// Everything printed so far.
  public var output: String {
    read()
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Presses keys.
  public func type(_ keys: String) {
    let keys = Array(keys.utf8)
    _ = keys.withUnsafeBytes { write(own, $0.baseAddress, $0.count) }
  }

  /// Waits until `text` is printed, after the text of the last wait.
  /// - Throws: ``Unseen`` after `seconds`.
  public func wait(for text: String, seconds: Double) throws {
    let end = Date(timeIntervalSinceNow: seconds)
    let wanted = Array(text.utf8)
    while true {
      read()
      if let found = bytes[seen...].firstRange(of: wanted) {
        seen = found.upperBound
        return
      }
      guard Date.now < end else { throw Unseen(text: text, output: output) }
      usleep(20_000)
    }
  }

  /// Reads the available output.
  private func read() {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = Foundation.read(own, &buffer, buffer.count)
      if count <= 0 { return }
      bytes += buffer[..<count]
    }
  }
}
