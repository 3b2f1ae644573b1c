// SPDX-License-Identifier: MIT

import Fidelity
import Initramfs
import Newc
import OddImages
import Testing

extension Batch {
  /// Whether it covers a case with few images.
  fileprivate var isRare: Bool {
    switch last?.explanation {
    case .emptyTarget, .staleHeader, .lzmaMarker: true
    default: last?.name == "first-skipped"
    }
  }
}

extension Oracle {
  /// The answer of user-mode Linux, or of the stock kernel where the two differ.
  func answer(_ batch: Batch) async throws -> Outcome {
    // User-mode Linux has the xz filters of all processors.
    if batch.last?.name.hasPrefix("xz-") == true { return try await boot(batch) }
    do { return try await bootUserMode(batch) } catch is Incomplete {
      // Its lz4 reader reads past the end of its memory.
      return try await boot(batch)
    }
  }

  /// Tests all images that are unpacked whole, in one boot, the rare ones, and every `step`th of
  /// those that need a boot of their own.
  func expectAgreementOnSome(_ step: Int) async throws {
    let batches = try batches(try Corpus.images())
    #expect(batches[0].whole.count > 400)
    let some = batches.enumerated().filter { $0.offset % step == 0 || $0.element.isRare }
    _ = try await expectAgreement(some.map(\.element))
  }

  /// - Returns: The explanations of differences that occurred.
  func expectAgreement(_ batches: [Batch]) async throws -> Set<OddImage.Explanation> {
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
      // Decompressors may differ in how much of the damaged member they produce.
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
