// SPDX-License-Identifier: MIT

import Files
import Subprocess
import SystemPackage

/// The QEMU program as a subprocess.
enum QEMU {
  /// KVM cannot continue to run the guest, which hangs.
  struct KVMFailed: Error {}

  /// Runs `program` until it exits with status 0.
  ///
  /// If the task is cancelled, the program is killed.
  /// - Throws: ``FileError`` with its last message if it is not installed or ends in any other way;
  ///   ``KVMFailed``.
  static func run(_ program: String, _ arguments: [String]) async throws {
    var lastLine = ""
    let status = try await ChildProgram.run(
      program, arguments, missing: "not found in PATH; boot requires QEMU"
    ) { line in
      // accel/kvm/kvm-all.c, KVM_EXIT_INTERNAL_ERROR: QEMU pauses the machine instead of exiting.
      if line.hasPrefix("KVM internal error") { throw KVMFailed() }
      if !line.isEmpty { lastLine = line }
    }
    try status.check(program, lastLine)
  }

  /// Runs `program` for at most `limit`, and returns its exit status; nil if it did not exit.
  static func exitStatus(
    of program: String, _ arguments: [String], within limit: Duration
  ) async -> Int32? {
    await withTaskGroup(of: Int32?.self) { group in
      group.addTask {
        let ended = try? await ChildProgram.run(program, arguments, missing: "not found") { _ in }
        guard case .exited(let status) = ended else { return nil }
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
