// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import Testing

/// One file of lines of 16 bytes, made in the guest: no image of its size is needed.
struct LargeFile {
  let bytes: Int

  /// Of `yes 0123456789abcde | head -c BYTES`, by md5sum(1).
  let sum: String

  /// It arrives whole in the leaf, in a machine of so many MiB.
  func expectMove(memory: Int) async throws {
    var boot = Boot(hasLeaf: false, append: ["rdinit=/prepare", "initramfs_options=size=95%"])
    boot.memory = memory
    boot.timeout = .seconds(900)
    try boot.tree.addProgram("leafroot")
    boot.tree.script(
      "prepare",
      """
      busybox yes 0123456789abcde | busybox head -c \(bytes) > /large
      exec /leafroot nonroot_initramfs
      """)
    let outcome = try await boot.run("busybox stat -c 'size %s' /large; busybox md5sum /large")

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.output.contains("size \(bytes)"), "\(outcome)")
    #expect(outcome.output.contains("\(sum)  /large"), "\(outcome)")
  }
}
