// SPDX-License-Identifier: MIT

import Fidelity
import Foundation
import Packing
import SystemPackage
import TestSupport
import Testing

@testable import BootHarness

/// `leafroot boot`, as people run it, with the real QEMU and a stock kernel.
@Suite struct BootVerbTests {
  private let directory: TemporaryDirectory

  /// `image.img` is a system with busybox, `wrapped.img` the same with PID 1.
  init() throws {
    directory = try TemporaryDirectory()
    let image = try GuestTree().image
    try directory.file("image.img", image)
    try directory.file("wrapped.img", Segment.leaf(.built()).bytes + image)
    try FileManager.default.createSymbolicLink(
      atPath: directory.path.appending("vmlinuz").string,
      withDestinationPath: Place.kernel("6.12-x86_64").string)
  }

  /// Runs a script in the directory, with the tool as `$leafroot`.
  private func shell(_ script: String) async throws -> Command.Ended {
    let tool = Tool(booting: directory)
    return try await Gate.shared.pass { try await onOtherThread { try tool.shell(script) } }
  }

  @Test func `a matrix boots images as promised and not, and reports both`() async throws {
    try directory.file(
      "matrix.json",
      Array(
        """
        {cases: [
          {kernels: ["vmlinuz"], images: ["wrapped.img"], memory: ["256M"],
            command: ["/bin/busybox", "true"]},
          {kernels: ["vmlinuz"], images: ["image.img"], memory: ["256M"],
            expect: "not as promised"},
          {kernels: ["vmlinuz"], images: ["image.img"], memory: ["256M"],
            append: ["rdinit=/missing"]},
        ]}
        """.utf8))
    let result = try await shell("$leafroot matrix matrix.json --junit report.xml --jobs 1")
    #expect(result.status == 1, "\(result.errors)")
    #expect(result.output.contains("ok: as promised "), "\(result.output)")
    #expect(result.output.contains("ok: not as promised "), "\(result.output)")
    #expect(
      result.output.hasSuffix("3 boots: 1 unexpected, 0 errors\n"), "\(result.output)")
    let report = String(decoding: try directory.bytes("report.xml"), as: UTF8.self)
    #expect(report.contains("tests=\"3\" failures=\"1\" errors=\"0\""))
    #expect(report.contains("@leafroot check {"))
  }

  @Test func `what the command prints comes while the machine runs`() async throws {
    let result = try await shell(
      """
      $leafroot boot wrapped.img --kernel vmlinuz --memory 256 -- \
        /bin/busybox sh -c 'echo one; /bin/busybox sleep 6; echo two' |
        while IFS= read -r line; do echo "$(date +%s) $line"; done
      """)
    let lines = result.output.split(separator: "\n").map { $0.split(separator: " ") }
    func time(_ word: String) throws -> Int {
      try #require(lines.first { $0.count == 2 && $0[1] == word }.flatMap { Int($0[0]) })
    }
    #expect(try time("two") - time("one") >= 3, "\(result.output)")
    #expect(result.output.contains(" command     exit 0\n"))
  }

  @Test func `the least memory is found, and less was tried`() async throws {
    let result = try await shell(
      "$leafroot least-memory wrapped.img --kernel vmlinuz --memory 256M --resolution 64")
    #expect(result.status == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n")
    #expect(lines.first?.hasPrefix("least memory  ") == true, "\(result.output)")
    #expect(lines.contains { $0.hasPrefix("less ") && $0.contains(" is not enough: ") })
    #expect(result.errors.contains("leafroot: 256M: enough: as promised\n"))
  }
}
