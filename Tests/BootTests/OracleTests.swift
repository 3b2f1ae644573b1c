// SPDX-License-Identifier: MIT

import Fidelity
import Foundation
import Initramfs
import Machines
import Newc
import OddImages
import TestSupport
import Testing

/// The kernel is the oracle: odd images, unpacked by stock kernels and by `leafroot unpack`, whose
/// trees and verdicts are compared. What is not the same is explained in
/// Documentation/decisions.md.
@Suite(.enabled(if: Privilege.mayRun, "gives owners and makes devices: needs root"))
struct OracleTests {
  @Test(arguments: Oracle.kernels)
  func `odd images are unpacked as the stock kernel does, to the last entry`(kernel: String)
    async throws
  {
    // All that end well, in one boot, and some of those that need a boot each.
    let step = kernel == "6.12-x86_64" ? 60 : Int.max
    try await Oracle(kernel: kernel).expectAgreementOnSome(step)
  }

  @Test func `twin: an image that is unpacked otherwise is seen`() async throws {
    let image = OddImage("twin") { [.file("\($0)/x", "one")] }
    let other = OddImage("twin") { [.file("\($0)/x", "two")] }
    let theirs = try await Oracle(kernel: "6.12-x86_64").boot(Batch(whole: [image]))
    let ours = try Oracle(kernel: "6.12-x86_64").unpack(Batch(whole: [other]))
    let (mine, its) = (try #require(ours.census), try #require(theirs.census))
    #expect(mine.differences(from: its).count == 1)
  }
}

/// All of them: `make proof`.
@Suite(.enabled(if: Privilege.mayRun, "gives owners and makes devices: needs root"))
struct OracleProofTests {
  @Test(.serialized, arguments: Oracle.kernels)
  func `every odd image is unpacked as the stock kernel does, to the last entry`(kernel: String)
    async throws
  {
    let oracle = try Oracle(kernel: kernel)
    let batches = try oracle.batches(try Corpus.images())
    print("\(kernel): \(batches[0].whole.count) images in one boot, \(batches.count) boots")
    let explained = try await oracle.expectAgreement(batches)
    // An explanation that nothing needs is to go.
    var expected: Set<OddImage.Explanation> = [
      .emptyTarget, .damagedData, .lzmaMarker, .staleHeader,
    ]
    if !oracle.rules.records.checksNames { expected.insert(.unterminatedName) }
    #expect(explained == expected)
  }

  /// The answers that InspectionTests and UnpackingTests compare with.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["LEAFROOT_RECORD"] != nil))
  func `what the kernel makes of the odd images is recorded`() async throws {
    let oracle = try Oracle(kernel: "6.12-x86_64")
    let images = try Corpus.images().filter(KernelAnswer.isRecorded)
    var batches = try oracle.batches(images)
    if let last = batches[0].last {
      batches[0].last = nil
      batches.insert(Batch(last: last), at: 1)
    }
    let answers = try await withThrowingTaskGroup(of: (Int, KernelAnswer).self) { group in
      for (number, batch) in batches.enumerated() {
        group.addTask {
          let outcome = try await oracle.answer(batch)
          return (number, KernelAnswer(batch, refusal: outcome.refusal, outcome.census))
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    for image in batches[0].whole {
      #expect(answers.contains { $0.1.whole.contains(image.name) })
    }
    let text = KernelAnswer.text(
      answers.sorted { $0.0 < $1.0 }.map(\.1),
      [
        "What a stock kernel made of the odd images: Tests/OddImages/KernelAnswer.swift.",
        "User-mode Linux \(try oracle.kernel.version()), \(Date.now.formatted(.iso8601.year().month().day()))",
        "PATH MODE UID:GID LINKS MAJOR:MINOR SIZE MTIME CONTENT FIRST-NAME, as Tests/Census says them",
      ])
    try Data(text.utf8).write(to: URL(filePath: KernelAnswer.file))
  }

  @Test(.serialized, arguments: Oracle.otherKernels)
  func `on every other series, odd images are unpacked as the kernel does`(kernel: String)
    async throws
  {
    try await Oracle(kernel: kernel).expectAgreementOnSome(.max)
  }
}

extension Batch {
  /// Whether it shows something of which there is little.
  fileprivate var isRare: Bool {
    switch last?.explanation {
    case .emptyTarget, .staleHeader, .lzmaMarker: true
    default: last?.name == "first-skipped"
    }
  }
}

extension Oracle {
  /// By user-mode Linux, unless the stock kernel has another answer.
  fileprivate func answer(_ batch: Batch) async throws -> Outcome {
    // User-mode Linux has the filters of all processors.
    if batch.last?.name.hasPrefix("xz-") == true { return try await boot(batch) }
    do { return try await bootUserMode(batch) } catch is Incomplete {
      // Its lz4 reader looks behind the end of its memory.
      return try await boot(batch)
    }
  }

  /// All that end well, in one boot, what is rare, and each `step`th of those that need a boot
  /// each.
  fileprivate func expectAgreementOnSome(_ step: Int) async throws {
    let batches = try batches(try Corpus.images())
    #expect(batches[0].whole.count > 400)
    let some = batches.enumerated().filter { $0.offset % step == 0 || $0.element.isRare }
    _ = try await expectAgreement(some.map(\.element))
  }

  /// - Returns: Which explanations differences had.
  fileprivate func expectAgreement(_ batches: [Batch]) async throws -> Set<OddImage.Explanation> {
    try await withThrowingTaskGroup(of: OddImage.Explanation?.self) { group in
      for batch in batches {
        group.addTask {
          let theirs = try await boot(batch)
          let ours = try unpack(batch)
          for image in batch.whole where theirs.census?.entries["./.done-\(image.name)"] == nil {
            Issue.record("\(name): \(image.name) or one before stops it: \(theirs.refusal ?? "")")
            break
          }
          let explanation = explanation(of: batch.last, ours)
          Oracle.compare(
            ours, theirs, batch.last, explanation, "\(name) \(batch.last?.name ?? "all")")
          return explanation
        }
      }
      return try await group.reduce(into: []) { seen, explanation in
        if let explanation, explanation != .digits { seen.insert(explanation) }
      }
    }
  }

  private func explanation(of image: OddImage?, _ ours: Outcome) -> OddImage.Explanation? {
    if let explanation = image?.explanation { return explanation }
    let isUnchecked = !rules.records.checksNames && ours.refusal == "malformed archive"
    return isUnchecked ? .unterminatedName : nil
  }

  private static func compare(
    _ ours: Outcome, _ theirs: Outcome, _ image: OddImage?, _ explanation: OddImage.Explanation?,
    _ name: String
  ) {
    var differences: [String] = []
    if let mine = ours.census, let its = theirs.census {
      differences =
        image?.isFirst == true
        ? mine.ownEntries.differences(from: its.ownEntries) : mine.differences(from: its)
    }
    switch explanation {
    case nil, .digits:
      #expect(ours.refusal == theirs.refusal, "\(name)")
    case .unterminatedName:
      #expect(theirs.refusal != ours.refusal, "\(name)")
      differences.removeAll { $0.hasPrefix("./\(image!.name)") }
    case .emptyTarget:
      #expect(ours.refusal == theirs.refusal, "\(name)")
      expectOne(&differences, "\(image!.name)/x: not there, kernel: 120777", name)
    case .staleHeader:
      #expect(ours.refusal == nil, "\(name)")
      #expect(theirs.refusal == "junk at the end of compressed archive", "\(name)")
      expectOne(&differences, "\(image!.name)/after: 100644", name)
    case .lzmaMarker:
      #expect(ours.refusal == nil, "\(name)")
      #expect(theirs.refusal == "invalid magic at start of compressed archive", "\(name)")
    case .damagedData:
      #expect((ours.refusal == nil) == (theirs.refusal == nil), "\(name): \(theirs.refusal ?? "")")
      // How much of the damaged member there is, is the decompressors' own business.
      if ours.refusal != nil {
        differences.removeAll { $0.hasPrefix("./\(image!.name)") }
      }
    }
    #expect(
      differences.isEmpty,
      "\(name): \(differences.count)\n\(differences.prefix(20).joined(separator: "\n"))")
  }

  private static func expectOne(_ differences: inout [String], _ start: String, _ name: String) {
    let found = differences.filter { $0.hasPrefix("./\(start)") }
    #expect(found.count == 1, "\(name): \(differences)")
    differences.removeAll { found.contains($0) }
  }
}
