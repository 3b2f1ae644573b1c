// SPDX-License-Identifier: MIT

import Glibc
package import SystemPackage

/// A stream to a child program, as its standard input.
///
/// It is a pair of sockets and not a pipe: whoever writes to a pipe that nobody reads gets SIGPIPE,
/// which counts as an interruption here.
package final class ProgramInput {
  /// The program no longer reads.
  package struct Closed: Error {
    package init() {}
  }

  /// The program's end, which ``ChildProgram`` closes.
  package let programEnd: FileDescriptor
  private let end: FileDescriptor
  private var isOpen = true

  /// - Throws: ``FileError``. socketpair(2).
  package init(of program: FilePath) throws(FileError) {
    var ends: [Int32] = [-1, -1]
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
      throw FileError(program, cannot: "connect", Errno(rawValue: errno))
    }
    end = FileDescriptor(rawValue: ends[0])
    programEnd = FileDescriptor(rawValue: ends[1])
  }

  deinit { close() }

  /// Closes our end, which is the end of the program's input.
  package func close() {
    if isOpen { try? end.close() }
    isOpen = false
  }

  /// Writes to the program's input. send(2).
  /// - Throws: ``Closed`` if the program no longer reads; `Errno`.
  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = send(
        end.rawValue, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count,
        Int32(MSG_NOSIGNAL))
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno == EPIPE || errno == ECONNRESET {
        throw Closed()
      } else if errno != EINTR {
        throw Errno(rawValue: errno)
      }
    }
  }

  /// Writes to the program's input.
  package func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }
}
