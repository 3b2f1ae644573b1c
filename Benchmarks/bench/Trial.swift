// SPDX-License-Identifier: MIT

import Encoders
import Fidelity
import Files
import Machines
import Packing
import SystemPackage

/// What booting an image of odd files shows about a variant.
struct Trial: Sendable {
  let variant: Variant
  /// Why other results are missing; nil if the real init ran its checks.
  var problem: String?
  /// The tree when the real init started.
  let census: Census
  /// What that tree lacks, compared with the stock boot's.
  var losses: Losses?
  /// What a container's process can reach, and what lies below `/`.
  let escape: Escape?
  /// Which container runtimes work.
  let runtimes: RuntimeResults

  /// What the real init runs after the check; it looks around before the runtimes mount anything.
  static let command = [
    "/bin/busybox", "sh", "-c", "/.bench/census /; /.bench/escape; /kit/bin/runtimes",
  ]

  /// The guest's start time if instructions are counted: 2026-01-01, in seconds since 1970.
  private static let start = 1_767_225_600

  /// The paths that the measurement itself adds to the tree.
  private static let own = ["./.bench", "./.leafroot-boot", "./kit"]

  init(_ verdict: Verdict, _ variant: Variant) {
    self.variant = variant
    let lines = verdict.command?.output.split(separator: "\n") ?? []
    census = Census(lines, now: Trial.start).ownEntries.excluding(Trial.own)
    escape = Escape(lines)
    runtimes = RuntimeResults(lines)
    problem = TimedBoot.problem(verdict, variant)
    if problem == nil, verdict.command?.status == nil { problem = "the command did not end" }
    if problem == nil, escape == nil { problem = "no attempt to escape" }
  }

  /// The number of entries in rootfs below `/`; nil if `/` is rootfs.
  var entriesLeft: Int? { variant.hasLeaf ? escape?.entries : nil }
}

extension Bench {
  /// Boots one image of odd files as each variant and compares each tree with the stock boot's.
  func trials(_ variants: [Variant], jobs: Int) async throws -> [Trial] {
    let bootImage = try trialImage()
    try await bootImage.make(variants, self)
    var trials = try await variants.concurrentMap(atMost: jobs) { variant in
      var machine = try machine(variant, bootImage)
      machine.memory = 1536
      // On a busy host the guest's clock would run ahead, and the runtimes would time out.
      machine.countsInstructions = true
      say("trial-\(variant.rawValue): boots")
      let verdict = Verdict(try await run(machine, name: "trial-\(variant.rawValue)"))
      let trial = Trial(verdict, variant)
      let seconds = fixed(verdict.seconds, 0)
      say("trial-\(variant.rawValue): \(trial.problem ?? "done"), after \(seconds) s")
      return trial
    }
    guard let stock = trials.first(where: { $0.variant == .stock }), stock.problem == nil else {
      throw FileError(bootImage.plain, "the stock boot, which others are compared with, failed")
    }
    for index in trials.indices where trials[index].problem == nil {
      trials[index].losses = Losses(of: stock.census, in: trials[index].census)
    }
    return trials
  }

  /// An image with everything newc can express, on a system in which container runtimes work.
  private func trialImage() throws -> BootImage {
    let kit = cache.appending("kit/full")
    var tree = GuestTree(
      busybox: try InputFile(kit.appending("tree/kit/bin/busybox")).bytes(), init: "/init")
    NastyTree.add(to: &tree)
    tree.addOverlay(try InputFile(kernelDirectory.appending("modules/overlay.ko")).bytes())
    let plain = directory.appending("trial.zst")
    try write(tree, to: plain)

    let census = directory.appending("census.cpio")
    var segment = GuestTree.bare
    segment.file(".bench/census", try InputFile("build/test/census").bytes())
    try Segment(segment.records).write(to: census)
    return BootImage(
      name: "trial", plain: plain, command: Trial.command,
      attachments: [
        comparators.appending("segment.cpio"), census, comparators.appending("tools.cpio.zst"),
        kit.appending("kit.cpio.zst"),
      ],
      // Not its devices: an overlay takes one of them for a removed file.
      squashed: ["/deep", "/links", "/modes", "/names", "/sizes"], ramDisk: 128,
      directory: directory)
  }

  private func write(_ tree: GuestTree, to path: FilePath) throws {
    let encoder = try Encoder(.zstd(level: 3))
    try encoder.write(try Segment(tree.records).bytes)
    try OutputFile.write(try encoder.finish(), to: path)
  }
}
