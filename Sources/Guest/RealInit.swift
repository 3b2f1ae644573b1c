// SPDX-License-Identifier: MIT

import CLinux
import Evidence

/// The program that PID 1 becomes.
struct RealInit {
  /// The programs that the kernel tries: init/main.c, kernel_init().
  private static let kernelsList: [StaticString] = [
    "/init", "/sbin/init", "/etc/init", "/bin/init", "/bin/sh",
  ]

  private let words: Words

  /// Device and inode of this program: it must not execute itself in a loop.
  private let own: stat?

  init(_ words: Words) {
    self.words = words
    own = Self.ownPath().flatMap { Self.identify($0) }
  }

  /// The path that the kernel executed: getauxval(3), AT_EXECFN.
  static func ownPath() -> UnsafePointer<CChar>? {
    UnsafePointer(bitPattern: getauxval(UInt(AT_EXECFN)))
  }

  /// Executes the first program that can be executed, with the arguments and the environment from
  /// the kernel, except for our own words. Returns only if there is none. execve(2).
  func start(_ log: Log) {
    let given = words.realInit
    words.removeOurs()

    if let given {
      given.withCString { execute($0, log, isWanted: true) }
    }
    for path in Self.kernelsList {
      path.withCString { execute($0, log, isWanted: false) }
    }
  }

  private func execute(_ path: UnsafePointer<CChar>, _ log: Log, isWanted: Bool) {
    if let own, let candidate = Self.identify(path), candidate.st_dev == own.st_dev,
      candidate.st_ino == own.st_ino
    {
      return
    }

    words.arguments.pointee = UnsafeMutablePointer(mutating: path)
    execve(path, words.arguments, words.environment)

    let code = linux_errno()
    if isWanted || code != ENOENT {
      var text = Text()
      text.add(cString: path)
      text.add(": ")
      text.add(error: code)
      log.write(.error, text)
    }
  }

  private static func identify(_ path: UnsafePointer<CChar>) -> stat? {
    var result = stat()
    return stat(path, &result) == 0 ? result : nil
  }
}
