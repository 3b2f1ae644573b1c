// SPDX-License-Identifier: MIT

import Foundation
import FuzzChecks
import OddImages
import Samples
import Testing

/// What fuzzing began with and what it has found, once more.
@Suite struct FuzzReplayTests {
  private static let checks: [@Sendable ([UInt8]) -> Void] = [
    FuzzChecks.newc, FuzzChecks.members, FuzzChecks.inspect, FuzzChecks.source,
  ]

  @Test(arguments: ["seeds", "failures"])
  func `what is in Fuzz holds what must hold for any bytes`(directory: String) throws {
    let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Fuzz/\(directory)")
    let files = try FileManager.default.contentsOfDirectory(
      at: url, includingPropertiesForKeys: nil)
    #expect(directory == "failures" || files.count > 50)
    for file in files {
      let bytes = Array(try Data(contentsOf: file))
      for check in Self.checks { check(bytes) }
    }
  }

  @Test func `each odd image holds what must hold for any bytes`() throws {
    for image in try Corpus.images() {
      for check in Self.checks { check(image.bytes) }
    }
  }
}
