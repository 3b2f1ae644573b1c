// SPDX-License-Identifier: MIT

import Fidelity
import Packing
import TestSupport
import Testing

@testable import BootHarness

/// `leafroot matrix` of several architectures.
@Suite struct MatrixProofTests {
  @Test func `a matrix boots the kernels of several architectures, by Debian's names`() async throws
  {
    let directory = try TemporaryDirectory()
    // The check is a program of the kernel's architecture, so the tree needs none.
    let image = try GuestTree().image
    try directory.file("image", image)
    for architecture in [Architecture.x86, .arm] {
      try directory.file(
        "wrapped.\(architecture)", Segment.leaf(.built(for: architecture)).bytes + image)
    }
    try directory.file(
      "matrix.json",
      Array(
        """
        {cases: [
          {kernels: ["debian:6.12"], arch: ["x86_64", "aarch64"], images: ["image"],
            expect: "not as promised"},
          {kernels: ["debian:6.12-x86_64"], images: ["wrapped.x86_64"]},
          {kernels: ["debian:6.12"], arch: ["aarch64"], images: ["wrapped.aarch64"]},
          // The kernel executes no program of another architecture.
          {kernels: ["debian:6.12"], arch: ["aarch64"], images: ["wrapped.x86_64"],
            expect: "no check"},
        ]}
        """.utf8))
    let matrix = Tool(booting: directory, "matrix")
    let result = try await Gate.shared.pass {
      try await onOtherThread { try matrix("matrix.json", "--jobs", "1") }
    }

    #expect(result.status == 0, "\(result.output)\(result.errors)")
    let rows = result.output.split(separator: "\n").map { $0.split(separator: " ") }
    #expect(rows.dropFirst().prefix(2).map { $0[1] } == ["x86_64", "aarch64"])
    #expect(result.output.hasSuffix("\n5 boots: 0 unexpected, 0 errors\n"))
  }
}
