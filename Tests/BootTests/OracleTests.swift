// SPDX-License-Identifier: MIT

import Foundation
import OddImages
import Testing

/// The kernel is the oracle: odd images, unpacked by stock kernels and by `leafroot unpack`.
@Suite struct OracleTests {
  @Test(arguments: Boot.kernels)
  func `odd images are unpacked as the stock kernel does, to the last entry`(kernel: String)
    async throws
  {
    let batches = try Oracle.batches(try Corpus.images())
    try await Self.expectAgreement(kernel, Array(batches.prefix(6)))
  }

}

/// All of them: `make proof`.
@Suite struct OracleProofTests {
  @Test(arguments: Boot.kernels)
  func `every odd image is unpacked as the stock kernel does, to the last entry`(kernel: String)
    async throws
  {
    let batches = try Oracle.batches(try Corpus.images())
    print("\(kernel): \(batches[0].whole.count) images in one boot, \(batches.count) boots")
    try await OracleTests.expectAgreement(kernel, batches)
  }
}

extension OracleTests {
  static func expectAgreement(_ kernel: String, _ batches: [Oracle.Batch]) async throws {
    let oracle = try Oracle(kernel: kernel)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for batch in batches {
        group.addTask {
          let theirs = try await oracle.boot(batch)
          let ours = try oracle.unpack(batch)
          let name = "\(kernel) \(batch.last?.name ?? "all")"
          #expect(ours.refusal == theirs.refusal, "\(name)")
          let differences = ours.census.differences(from: theirs.census)
          #expect(
            differences.isEmpty,
            "\(name): \(differences.count)\n\(differences.prefix(20).joined(separator: "\n"))")
        }
      }
      try await group.waitForAll()
    }
  }
}
