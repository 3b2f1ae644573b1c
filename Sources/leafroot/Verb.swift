// SPDX-License-Identifier: MIT

import ArgumentParser
import Files
import Initramfs
import Machine

/// Runs a verb: a `FileError` becomes one line and the exit status `failure`; a signal cancels the
/// verb.
func asVerb<Result: Sendable>(
  failure: Int32, _ verb: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  do {
    return try await interruptible(verb)
  } catch let error as FileError {
    standardError("leafroot: \(error)\n")
    throw ExitCode(failure)
  } catch let error as Interrupted {
    throw ExitCode(error.status)
  }
}
