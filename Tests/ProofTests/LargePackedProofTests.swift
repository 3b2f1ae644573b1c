// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import SystemPackage
import TestSupport
import Testing

@testable import BootHarness

/// Packed trees that are large: one file, or many.
@Suite(.serialized) struct LargePackedProofTests {
  /// LargeFile says of what, and its sum.
  @Test func `a file of 3 GB arrives whole in a machine of 4.5 GB`() async throws {
    let directory = try TemporaryDirectory(below: "/var/tmp")
    let (size, sum) = (3_221_225_473, "8b9f122645c95657258e48060c9e06e7")
    let script = """
      mkdir tree tree/bin tree/dev tree/proc
      cp \(Place.busybox) tree/bin/busybox && ln -s busybox tree/bin/sh
      yes 0123456789abcde | head -c \(size) >tree/large
      """
    try directory.shell(script)
    let image = directory.path.appending("packed.img")
    try directory.shell("\(Place.tool) pack tree -o packed.img --level 1")

    let boot = Boot(image: try bytes(of: image), memory: 4608, cpus: 2, timeout: .seconds(1800))
    let verdict = try await boot.run("busybox stat -c 'size %s' /large; busybox md5sum /large")
      .verdict

    #expect(verdict.outcome == .asPromised, "\(verdict)")
    #expect(verdict.command?.output.contains("size \(size)") == true, "\(verdict)")
    #expect(verdict.command?.output.contains("\(sum)  /large") == true, "\(verdict)")
  }

  @Test func `a file with 4 GiB of data is refused, by its name and size`() throws {
    let directory = try TemporaryDirectory()
    // Not a hole: that is carried.
    let script = "mkdir tree && head -c 4294967296 /dev/zero >tree/large"
    try directory.shell(script)
    let ended = try Tool(booting: directory)("pack", "tree", "-o", "packed.img")

    #expect(ended.status == 2)
    #expect(
      ended.errors.contains(
        "newc holds files with less than 4 GiB of data: 'large' has 4294967296"),
      "\(ended.errors)")
    #expect(try directory.names == ["tree"])
  }

  /// Instructions are counted: guest time says nothing of the host's load.
  @Test func `200,000 files take four times as long as 50,000, and are all there`() async throws {
    var times: [Int] = []
    for count in [50_000, 200_000] {
      let verdict = try await ManyFiles(count).boot(1536, isCounted: true)

      #expect(verdict.outcome == .asPromised, "\(verdict)")
      #expect(verdict.command?.output == "\(count)\n", "\(verdict)")
      let time = verdict.logged.compactMap { line in
        line.firstMatch(of: #/unpacked \d+ entries, \d+ bytes in (\d+) ms/#).flatMap { Int($0.1) }
      }
      times.append(try #require(time.first, "\(verdict)"))
    }
    print("50,000 files: \(times[0]) ms of the guest; 200,000: \(times[1]) ms")
    #expect(times[0] > 100)
    #expect(Double(times[1]) < 4 * Double(times[0]) * 1.15, "\(times)")
  }

  /// By the figures of the last words in the boot with the most memory that is not enough: what
  /// the kernel has free there, and what it lacks, is enough for the tree and for PID 1.
  @Test(arguments: [1, 2])
  func `beside the tree and the payload, 200,000 files take 12 MB, and 10 MB a further thread`(
    cpus: Int
  ) async throws {
    let image = try ManyFiles(200_000)
    let predicted = image.file.predicted
    let search = LeastMemorySearch(within: predicted * 9 / 10...predicted * 11 / 10, step: 2)
    // With two CPUs the same memory may be enough once and not the next time.
    var short: (memory: Int, verdict: Verdict)?
    let found = try await search.find { memory in
      let verdict = try await image.boot(memory, cpus)
      let isEnough = verdict.outcome == .asPromised && verdict.command?.output == "200000\n"
      if !isEnough { short = (memory, verdict) }
      return isEnough
    }
    let least = try #require(found)
    let (memory, verdict) = try #require(short)
    let pattern =
      #/needed \d+ MiB \((\d+) MiB of files, (\d+) entries\), available (\d+) MiB/#
    let figures = try #require(
      verdict.logged.compactMap { $0.firstMatch(of: pattern) }.first, "\(memory): \(verdict)")
    let (content, entries, available) = (
      Int(figures.1)!, Int(figures.2)!, Int(figures.3)!
    )
    let beside = available + (least - memory) - content - entries * 1230 / 1_048_576
    print("\(cpus) CPUs: \(least) MiB boot; beside the tree and the payload \(beside) MiB")
    #expect(beside <= 12 + (cpus - 1) * 10)
  }
}

/// Many small files, packed, and what counts them in the guest.
private struct ManyFiles {
  let file: PackedFile

  init(_ count: Int) throws {
    let directory = try TemporaryDirectory()
    let source = try directory.file("many.img", GuestTree.many(count, of: 100).image)
    file = try withExtendedLifetime(directory) { try PackedFile(source, .packed) }
  }

  func boot(_ memory: Int, _ cpus: Int = 1, isCounted: Bool = false) async throws -> Verdict {
    let command = "busybox find /many -type f | busybox wc -l"
    return try await file.boot(memory, cpus, command: command, isCounted: isCounted).verdict
  }
}
