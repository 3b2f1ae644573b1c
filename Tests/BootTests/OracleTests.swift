// SPDX-License-Identifier: MIT

import OddImages
import Testing

/// The kernel is the oracle: odd images, unpacked by stock kernels and by `leafroot unpack`, whose
/// trees and verdicts are compared. What is not the same is explained in Documentation/decisions.md.
@Suite(.enabled(if: Oracle.mayRun, "gives owners and makes devices: needs root"))
struct OracleTests {
  @Test(arguments: Boot.kernels)
  func `odd images are unpacked as the stock kernel does, to the last entry`(kernel: String)
    async throws
  {
    // All that end well, in one boot, and some of those that need a boot each.
    let batches = try Oracle.batches(try Corpus.images())
    #expect(batches[0].whole.count > 500)
    let some = batches.enumerated().filter { $0.offset % 60 == 0 || $0.element.isRare }
    try await Oracle.expectAgreement(kernel, some.map(\.element))
  }

  @Test func `twin: an image that is unpacked otherwise is seen`() async throws {
    let image = OddImage("twin") { [.file("\($0)/x", "one")] }
    let other = OddImage("twin") { [.file("\($0)/x", "two")] }
    let theirs = try await Oracle(kernel: "6.12-x86_64").boot(Oracle.Batch(whole: [image]))
    let ours = try Oracle(kernel: "6.12-x86_64").unpack(Oracle.Batch(whole: [other]))
    let (mine, its) = (try #require(ours.census), try #require(theirs.census))
    #expect(mine.differences(from: its).count == 1)
  }
}

/// All of them: `make proof`.
@Suite(.enabled(if: Oracle.mayRun, "gives owners and makes devices: needs root"))
struct OracleProofTests {
  @Test(arguments: Boot.kernels)
  func `every odd image is unpacked as the stock kernel does, to the last entry`(kernel: String)
    async throws
  {
    let batches = try Oracle.batches(try Corpus.images())
    print("\(kernel): \(batches[0].whole.count) images in one boot, \(batches.count) boots")
    try await Oracle.expectAgreement(kernel, batches)
  }
}

extension Oracle.Batch {
  /// Whether it shows something of which there is little.
  fileprivate var isRare: Bool {
    switch last?.explanation {
    case .emptyTarget, .staleHeader, .lzmaMarker: true
    default: last?.name == "first-skipped"
    }
  }
}

extension Oracle {
  fileprivate static func expectAgreement(_ kernel: String, _ batches: [Batch]) async throws {
    let oracle = try Oracle(kernel: kernel)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for batch in batches {
        group.addTask {
          let theirs = try await oracle.boot(batch)
          let ours = try oracle.unpack(batch)
          for image in batch.whole where theirs.census?.entries["./.done-\(image.name)"] == nil {
            Issue.record("\(kernel): \(image.name) or one before stops it: \(theirs.refusal ?? "")")
            break
          }
          compare(ours, theirs, batch.last, "\(kernel) \(batch.last?.name ?? "all")")
        }
      }
      try await group.waitForAll()
    }
  }

  private static func compare(
    _ ours: Outcome, _ theirs: Outcome, _ image: OddImage?, _ name: String
  ) {
    var differences: [String] = []
    if let mine = ours.census, let its = theirs.census {
      differences =
        image?.isFirst == true
        ? mine.ownEntries.differences(from: its.ownEntries) : mine.differences(from: its)
    }
    switch image?.explanation {
    case nil, .digits:
      #expect(ours.refusal == theirs.refusal, "\(name)")
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
