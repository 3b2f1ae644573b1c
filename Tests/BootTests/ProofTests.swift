// SPDX-License-Identifier: MIT

import Testing

/// What takes longer than a test may: `make proof`.
@Suite struct ProofTests {
  @Test func `a file of 3 GB moves in 4 GB of memory`() async throws {
    var boot = Boot(hasLeaf: false, append: ["rdinit=/prepare", "initramfs_options=size=90%"])
    boot.memory = 4096
    boot.timeout = .seconds(900)
    try boot.tree.addProgram("leafroot")
    boot.tree.script(
      "prepare",
      """
      busybox yes 0123456789abcde | busybox head -c 3221225473 > /large
      exec /leafroot nonroot_initramfs
      """)
    let outcome = try await boot.run("busybox stat -c 'size %s' /large; busybox md5sum /large")

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.output.contains("size 3221225473"), "\(outcome)")
    #expect(outcome.output.contains("\(Self.sum)  /large"), "\(outcome)")
  }

  /// Of `yes 0123456789abcde | head -c 3221225473`.
  private static let sum = "8b9f122645c95657258e48060c9e06e7"
}
