// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import Glibc
import Machines
import SystemPackage

/// Runs a verb: an error becomes one line and exit status 2; a signal cancels the verb.
///
/// Only the argument parser's own errors pass: they carry a usage message or an exit status.
func asVerb<Result: Sendable>(
  _ verb: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  do {
    return try await interruptible(verb)
  } catch let error as FileError where error.isBrokenPipe {
    // The signal may not have arrived yet. Nobody reads an explanation.
    throw ExitCode(Interrupted(signal: SIGPIPE).status)
  } catch let error as Interrupted {
    throw ExitCode(error.status)
  } catch let error where error is ExitCode || error is ValidationError || error is CleanExit {
    throw error
  } catch {
    standardError("leafroot: \(error)\n")
    throw ExitCode(2)
  }
}

extension FileError {
  /// Whether the reader of standard output has gone.
  var isBrokenPipe: Bool { self == FileError("-", cannot: "write", .brokenPipe) }
}
