// SPDX-License-Identifier: MIT

import Glibc
import SystemPackage

/// QEMU's monitor (HMP), on a Unix socket.
struct QEMUMonitor: ~Copyable {
  private let socket: Int32
  private static let prompt = "(qemu) "

  /// Connects to the socket; nil if nobody listens.
  init?(_ path: FilePath) {
    socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    guard socket >= 0 else { return nil }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let name = Array(path.string.utf8)
    let isConnected = withUnsafeMutableBytes(of: &address.sun_path) { bytes in
      guard name.count < bytes.count else { return false }
      bytes.copyBytes(from: name)
      return true
    }
    // If this fails, deinit closes the socket.
    guard isConnected, Self.connect(socket, &address) == 0, Self.answer(socket) != nil else {
      return nil
    }
  }

  deinit { close(socket) }

  private static func connect(_ socket: Int32, _ address: inout sockaddr_un) -> Int32 {
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(socket, $0, size)
      }
    }
  }

  /// The monitor's answer to a command; nil if the machine is gone.
  func ask(_ command: String) -> String? {
    let line = Array("\(command)\n".utf8)
    guard send(socket, line, line.count, Int32(MSG_NOSIGNAL)) == line.count else {
      return nil
    }
    return Self.answer(socket)
  }

  /// Everything up to the next prompt.
  private static func answer(_ socket: Int32) -> String? {
    var text = ""
    var buffer = [UInt8](repeating: 0, count: 4096)
    while !text.hasSuffix(prompt) {
      let count = recv(socket, &buffer, buffer.count, 0)
      guard count > 0 else { return nil }
      text += String(decoding: buffer.prefix(count), as: UTF8.self)
    }
    return text
  }

  /// The 8 bytes at a physical address.
  func word(at address: UInt64) -> UInt64? {
    // The line of the answer is "0000000001c2b6c0: 0x000000000003a2f1".
    guard let answer = ask("xp /1gx 0x\(String(address, radix: 16))"),
      let mark = answer.firstRange(of: ": 0x")
    else { return nil }
    return UInt64(answer[mark.upperBound...].prefix(16), radix: 16)
  }
}
