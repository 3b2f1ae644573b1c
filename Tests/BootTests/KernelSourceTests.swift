// SPDX-License-Identifier: MIT

import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import BootHarness

/// What is committed under Kernel/, without building a kernel.
@Suite struct KernelSourceTests {
  private static let series = ["6.12", "6.1", "5.10"]

  @Test func `the committed assembly and patches are what the Swift sources give`() async throws {
    let result = try await run("Kernel/update", "--check")

    #expect(result.status == 0, "\(result.errors)")
  }

  @Test func `twin: other sources give another assembly`() async throws {
    let directory = try TemporaryDirectory()
    let leaf = try text("Sources/Shared/Leaf/Leaf.swift")
    let other = try directory.file(
      "Leaf.swift", Array(leaf.replacing("calls.chroot(\".\")", with: "calls.chroot(\"..\")").utf8)
    ).string
    let result = try await run(
      "Kernel/generate", "x86_64", other, "\(Place.root)/Kernel/KernelSyscalls.swift")

    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("SYM_FUNC_START(nonroot_initramfs_make)"))
    #expect(result.output != (try text("Kernel/x86_64.S")))
  }

  @Test(arguments: series)
  func `kernel and user space are made of the same Leaf.swift`(series: String) throws {
    let patch = try text(
      "Kernel/patches/\(series)/0001-fs-the-steps-from-rootfs-to-a-leaf-in-Swift.patch")

    #expect(
      try added("fs/nonroot_initramfs/Leaf.swift", by: patch)
        == text("Sources/Shared/Leaf/Leaf.swift"))
    for file in ["Makefile", "generate", "KernelSyscalls.swift", "x86_64.S", "arm64.S"] {
      #expect(try added("fs/nonroot_initramfs/\(file)", by: patch) == text("Kernel/\(file)"))
    }
  }

  @Test(arguments: ["x86_64", "arm64"])
  func `the assembly wants nothing but the kernel's own helpers`(architecture: String) throws {
    let lines = try text("Kernel/\(architecture).S").split(separator: "\n")
    let called = lines.compactMap { line -> Substring? in
      let words = line.split(separator: "\t")
      return words.count == 2 && ["callq", "bl"].contains(words[0]) ? words[1] : nil
    }

    #expect(
      Set(called) == [
        "init_chdir", "init_chroot", "init_mount", "init_umount",
        "nonroot_initramfs_Step_name_getter",
      ])
  }

  @Test func `a source that wants the Swift runtime is refused`() async throws {
    let directory = try TemporaryDirectory()
    let source = try text("Kernel/KernelSyscalls.swift")
    let other = try directory.file(
      "KernelSyscalls.swift",
      Array(
        source.replacing(
          "return -error.code", with: "return -error.code - Int32(Array(0..<error.code).count)"
        ).utf8)
    ).string
    let result = try await run(
      "Kernel/generate", "x86_64", "\(Place.root)/Sources/Shared/Leaf/Leaf.swift", other)

    #expect(result.status != 0)
    #expect(result.output.isEmpty)
  }

  /// The file that a patch creates at `path`.
  private func added(_ path: String, by patch: String) -> String {
    let parts = patch.split(separator: "diff --git ")
    guard let part = parts.first(where: { $0.hasPrefix("a/\(path) ") }) else { return "" }
    return part.split(separator: "\n").drop { !$0.hasPrefix("@@") }.dropFirst()
      .filter { $0.hasPrefix("+") }.map { "\($0.dropFirst())\n" }.joined()
  }

  private func text(_ path: String) throws -> String {
    try String(contentsOfFile: "\(Place.root)/\(path)", encoding: .utf8)
  }

  private func run(_ script: String, _ arguments: String...) async throws -> Command.Ended {
    try await Command([Place.root.appending(script).string] + arguments).ended()
  }
}
