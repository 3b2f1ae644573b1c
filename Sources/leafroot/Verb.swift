// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import Glibc
import Initramfs
import Machine
import SystemPackage

/// Runs a verb: a `FileError` becomes one line and the exit status `failure`; a signal cancels the
/// verb.
func asVerb<Result: Sendable>(
  failure: Int32, _ verb: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  do {
    return try await interruptible(verb)
  } catch let error as FileError where error.isBrokenPipe {
    // The signal may not have arrived yet. Nobody reads an explanation.
    throw ExitCode(Interrupted(signal: SIGPIPE).status)
  } catch let error as FileError {
    standardError("leafroot: \(error)\n")
    throw ExitCode(failure)
  } catch let error as Interrupted {
    throw ExitCode(error.status)
  }
}

extension FileError {
  /// Whether the reader of standard output has gone.
  var isBrokenPipe: Bool { self == FileError("-", cannot: "write", .brokenPipe) }
}
