// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Leaf

/// The program that PID 1 becomes.
struct RealInit {
  private let parameters: Parameters

  /// Programs that go before the kernel's list.
  private let preferred: [Text]

  /// It must not execute itself in a loop.
  private let own: OwnProgram?

  init(_ parameters: Parameters, _ own: OwnProgram?, preferring preferred: [Text]) {
    self.parameters = parameters
    self.own = own
    self.preferred = preferred
  }

  /// Executes the first program that can be executed, with the arguments and the environment from
  /// the kernel, except for our own parameters. Returns only if there is none, and logs that.
  /// execve(2).
  func start(_ log: Log) {
    let (given, kernels) = (parameters.realInit, parameters.kernelsInit)
    parameters.removeOurs()

    if let given { given.withCString { execute($0, log, isWanted: true) } }
    let inits = Vocabulary.inits
    for path in preferred {
      // The kernel executes /init by default, so nobody has asked for it.
      path.withCString { execute($0, log, isWanted: !matches($0, inits[0])) }
    }
    inits[0].withCString { execute($0, log, isWanted: false) }
    // Without an /init, the kernel executes this one, or panics.
    if let kernels {
      kernels.withCString { execute($0, log, isWanted: true) }
      return log.write(.critical, "cannot execute the program of init=, the boot stops")
    }
    for path in inits.dropFirst() {
      path.withCString { execute($0, log, isWanted: false) }
    }
    log.write(.critical, "no working init found; try leafroot_init=/path")
  }

  private func execute(_ path: UnsafePointer<CChar>, _ log: Log, isWanted: Bool) {
    if let own, own.isExecuted(at: path) { return }

    parameters.arguments.pointee = UnsafeMutablePointer(mutating: path)
    execve(path, parameters.arguments, parameters.environment)

    let code = linux_errno()
    if isWanted || code != ENOENT {
      var text = Text()
      text.add(cString: path)
      text.add(": ")
      text.add(error: code)
      log.write(.error, text)
    }
  }
}
