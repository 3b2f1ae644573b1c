// SPDX-License-Identifier: MIT

import Fidelity
import Foundation
import Machines
import SystemPackage
import TestSupport
import Testing

@testable import BootHarness

/// Packed images in just enough memory, and in ever less.
@Suite(.serialized) struct TightPackedProofTests {
  /// The newer ones hold much of what the image took in lists for single processors.
  private static let kernels = ["6.12-x86_64", "6.18-x86_64", "7.3-x86_64"]

  @Test(arguments: PackedFile.Form.allCases, kernels)
  func `a real image: with too little memory the boot stops with last words`(
    form: PackedFile.Form, kernel: String
  ) async throws {
    for cpus in [1, 2] { try await expectEnds(Self.yardstick, form, cpus, kernel) }
  }

  /// With squashed directories, the kernel's copy and its limit for rootfs count, and not the tree.
  @Test(arguments: [PackedFile.Form.packed, .squashed], [[], [PackedFile.largeRootfs]])
  func `a real image boots with 5 % more memory than predicted, and not with 5 % less`(
    form: PackedFile.Form, append: [String]
  ) async throws {
    let image = try PackedFile(Self.yardstick, form)
    let predicted = append.isEmpty ? image.predicted : image.predictedLarge
    for cpus in [1, 4] {
      let more = try await image.boot(predicted * 105 / 100, cpus, append: append)
      #expect(more.verdict.outcome == .asPromised, "\(predicted) MiB, \(cpus) CPUs \(more)")
      let less = try await image.boot(predicted * 95 / 100, cpus, append: append)
      #expect(less.verdict.outcome == .panicked, "\(predicted) MiB, \(cpus) CPUs \(less)")
    }
  }

  private static var yardstick: FilePath {
    get throws {
      let printed = try Command([Place.root.appending("Benchmarks/yardstick").string]).output()
      let directory = String(decoding: printed, as: UTF8.self).trimmingCharacters(in: .newlines)
      return FilePath(directory).appending("image.zst")
    }
  }

  @Test(arguments: kernels) func `200,000 small files: the same`(kernel: String) async throws {
    let directory = try TemporaryDirectory()
    let image = try directory.file(
      "many.img", GuestTree.many(200_000, of: 100).image)
    try await expectEnds(image, .packed, 2, kernel)
  }

  /// How many MiB less each boot has than the one before, and how many boots must fail.
  private static let (step, count) = (8, 15)

  /// What the kernel logs when it starts PID 1, and the parameter for it to do so.
  private static let start = " as init process"
  private static let verbose = "loglevel=7"

  private func expectEnds(
    _ source: FilePath, _ form: PackedFile.Form, _ cpus: Int, _ kernel: String
  ) async throws {
    let image = try PackedFile(source, form, for: kernel)
    let append = form == .squashed ? [Self.verbose] : []
    let ample = try await image.boot(image.predicted * 2, cpus, append: append)
    try #require(append.isEmpty || ample.console.text.contains(Self.start), "\(ample)")
    let line = try #require(ample.verdict.logged.first { $0.contains("unpacked ") }, "\(ample)")
    // Up to the time that it took.
    let tree = line[..<(line.firstRange(of: " bytes in ")?.lowerBound ?? line.endIndex)]

    let tolerance = image.predicted / 20 + Self.step
    var failed = 0
    var least: Int?
    for memory in stride(from: image.predicted + tolerance, to: 0, by: -Self.step) {
      let outcome = try await image.boot(memory, cpus, append: append)
      let end = Self.end(of: outcome, tree, form)
      print(
        "\(form), \(kernel), \(cpus) CPUs, \(memory) MiB: \(end ?? "neither as promised nor last words")"
      )
      #expect(end != nil, "\(memory) MiB \(outcome)")
      if end == Self.promised { least = memory } else { failed += 1 }
      if failed == Self.count { break }
    }
    let found = try #require(least)
    #expect(abs(found - image.predicted) <= tolerance, "\(found)")
    #expect(failed == Self.count)
  }

  private static let promised = "as promised"

  /// What the boot came to; nil if it is none of what it may be.
  private static func end(
    of outcome: Outcome, _ tree: Substring, _ form: PackedFile.Form
  ) -> String? {
    if outcome.verdict.outcome == .asPromised {
      return outcome.logs(String(tree) + " ") ? promised : nil
    }
    guard outcome.verdict.outcome == .panicked else { return nil }
    // A squashed image needs so little that the kernel itself comes to have no memory to copy it.
    if form == .squashed, !outcome.console.text.contains(Self.start) {
      return "the kernel panics before it starts PID 1"
    }
    guard !outcome.console.text.contains("deadlocked") else { return nil }
    let lines = outcome.verdict.logged
    func figures(_ pattern: Regex<Substring>) -> String? {
      lines.first { $0.contains(pattern) }
    }
    if let cause = figures(#/too little memory to unpack the payload, the boot stops: needed \d+/#)
    {
      return figures(#/needed: \d+ MiB more memory/#).map { _ in cause }
    }
    if form == .injected,
      let words = figures(#/nested\/0000, byte \d+: too little memory is left to go on/#)
    {
      return words
    }
    // The kernel could not copy the payload.
    guard outcome.logs("the image is half unpacked, the boot stops. The kernel: ") else {
      return nil
    }
    return figures(#// is full: \d+ MiB of \d+ MiB, memory \d+ MiB. Needed: /#)
  }
}
