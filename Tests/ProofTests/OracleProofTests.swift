// SPDX-License-Identifier: MIT

import Foundation
import Initramfs
import Machines
import Newc
import OddImages
import TestSupport
import Testing

@testable import BootHarness

/// OracleTests with all odd images, and on all kernels.
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
