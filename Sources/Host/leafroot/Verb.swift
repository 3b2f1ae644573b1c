// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import Glibc
import Machines
import SystemPackage

/// Runs a verb, which returns its exit status. An error is printed as one line and becomes status
/// 2; a signal cancels the verb.
///
/// Only the argument parser's own errors are rethrown: they carry a usage message or an exit
/// status.
func asVerb(_ verb: @escaping @Sendable () async throws -> Int32) async throws {
  let status: Int32
  do {
    status = try await interruptible(verb)
  } catch let error as FileError where error.isBrokenPipe {
    // The signal may not have arrived yet. There is nobody to read a message.
    throw ExitCode(Interrupted(signal: SIGPIPE).status)
  } catch let error as Interrupted {
    throw ExitCode(error.status)
  } catch let error where error is ExitCode || error is ValidationError || error is CleanExit {
    throw error
  } catch {
    standardError("leafroot: \(error)\n")
    status = 2
  }
  if status != 0 { throw ExitCode(status) }
}

extension FileError {
  /// Whether the reader of standard output is gone.
  var isBrokenPipe: Bool { self == FileError("-", cannot: "write", .brokenPipe) }
}
