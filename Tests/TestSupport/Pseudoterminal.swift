// SPDX-License-Identifier: MIT

public import Foundation

/// A terminal for a program, with the test in the place of the person before it. pty(7). One thread
/// uses it at a time.
public final class Pseudoterminal: @unchecked Sendable {
  /// What was to be seen was not.
  public struct Unseen: Error {
    public let text: String
    public let output: String
  }

  /// The program's end.
  public let file: FileHandle
  private var own: Int32
  private var bytes: [UInt8] = []
  private var seen = 0

  /// A terminal with a window of this size. openpty(3).
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

  /// The person goes, and takes the terminal along.
  public func hangUp() {
    if own >= 0 { close(own) }
    own = -1
  }

  /// What termios(3) says of it.
  public var attributes: [UInt8] {
    var attributes = termios()
    _ = tcgetattr(file.fileDescriptor, &attributes)
    return withUnsafeBytes(of: &attributes) { Array($0) }
  }

  /// All that was printed.
  public var output: String {
    read()
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Presses keys.
  public func type(_ keys: String) {
    let keys = Array(keys.utf8)
    _ = keys.withUnsafeBytes { write(own, $0.baseAddress, $0.count) }
  }

  /// Waits until `text` is printed, after what was waited for before.
  /// - Throws: ``Unseen`` after so many seconds.
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

  /// Reads what is there.
  private func read() {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = Foundation.read(own, &buffer, buffer.count)
      if count <= 0 { return }
      bytes += buffer[..<count]
    }
  }
}
