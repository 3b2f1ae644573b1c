// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import Testing

/// A file with lines of 16 bytes, made in the guest, so that no image of this size is needed.
struct LargeFile {
  let bytes: Int

  /// The md5sum(1) of `yes 0123456789abcde | head -c BYTES`.
  let sum: String

  /// The file must arrive whole in the leaf, on a machine with `memory` MiB.
  func expectMove(memory: Int) async throws {
    var boot = try Boot.prepared(
      """
      busybox yes 0123456789abcde | busybox head -c \(bytes) > /large
      exec /leafroot nonroot_initramfs
      """)
    boot.append.append("initramfs_options=size=95%")
    (boot.memory, boot.timeout) = (memory, .seconds(900))
    let outcome = try await boot.run("busybox stat -c 'size %s' /large; busybox md5sum /large")

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.output.contains("size \(bytes)"), "\(outcome)")
    #expect(outcome.output.contains("\(sum)  /large"), "\(outcome)")
  }
}
