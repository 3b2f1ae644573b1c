// SPDX-License-Identifier: MIT

import Files
import Initramfs
import Subprocess
import SystemPackage

/// The QEMU program as a subprocess.
enum QEMU {
  /// KVM cannot go on with the guest, which then stands still.
  struct KVMFailed: Error {}

  /// A separate session: Ctrl-C on the terminal reaches only us, and we end QEMU. Otherwise QEMU
  /// could exit first, as if the guest had ended.
  private static var apart: PlatformOptions {
    var options = PlatformOptions()
    options.createSession = true
    return options
  }

  /// Runs `program` until it exits with status 0.
  ///
  /// A cancelled task kills it.
  /// - Throws: ``FileError`` if it is not installed, or ends in another way; with its last message.
  ///   ``KVMFailed``.
  static func run(_ program: String, _ arguments: [String]) async throws {
    let result: ExecutionResult<String, DiscardedOutput, SequenceOutput>
    do {
      result = try await Subprocess.run(
        .name(program), arguments: Arguments(arguments), platformOptions: apart, input: .none,
        output: .discarded, error: .sequence
      ) { execution in
        var lastLine = ""
        for try await line in execution.standardError.strings() {
          // accel/kvm/kvm-all.c, KVM_EXIT_INTERNAL_ERROR: the machine is paused, QEMU does not end.
          if line.hasPrefix("KVM internal error") { throw KVMFailed() }
          if !line.isEmpty { lastLine = line }
        }
        return lastLine
      }
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw FileError(FilePath(program), "not found in PATH; boot requires QEMU")
    }

    try Task.checkCancellation()
    guard result.terminationStatus.isSuccess else {
      let lastWords = result.closureResult.isEmpty ? "" : ": \(result.closureResult)"
      throw FileError(FilePath(program), ending(result.terminationStatus) + lastWords)
    }
  }

  private static func ending(_ status: TerminationStatus) -> String {
    switch status {
    case .exited(let code): "exited with status \(code)"
    case .signaled(let signal): "killed by signal \(signal)"
    }
  }

  /// Runs `program` for at most `limit`, and returns its exit status; nil if it did not exit.
  static func exitStatus(
    of program: String, _ arguments: [String], within limit: Duration
  ) async -> Int32? {
    await withTaskGroup(of: Int32?.self) { group in
      group.addTask {
        let result = try? await Subprocess.run(
          .name(program), arguments: Arguments(arguments), platformOptions: apart, input: .none,
          output: .discarded, error: .discarded)
        guard case .exited(let status) = result?.terminationStatus else { return nil }
        return status
      }
      group.addTask {
        try? await Task.sleep(for: limit)
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
  }
}
