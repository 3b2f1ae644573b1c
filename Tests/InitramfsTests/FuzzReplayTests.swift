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
    FuzzChecks.numbers,
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

  @Test func `a sidecar with bytes changed, lost or doubled holds what must hold`() throws {
    let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Fuzz/seeds/described")
    let seed = Array(try Data(contentsOf: url))
    let end = try #require(seed.firstRange(of: [0x0A, 0x0A])).lowerBound
    var random: UInt64 = 1
    func next(_ limit: Int) -> Int {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(random >> 33) % limit
    }
    for _ in 0..<20_000 {
      var sidecar = Array(seed[..<end])
      for _ in 0...next(3) where sidecar.count > 20 {
        let place = next(sidecar.count)
        switch next(4) {
        case 0: sidecar[place] = UInt8(next(256))
        case 1: sidecar[place] = Array("0123456789 \n+-=x".utf8)[next(16)]
        case 2: sidecar.removeSubrange(place..<min(sidecar.count, place + next(12)))
        default: sidecar.insert(contentsOf: sidecar[place...].prefix(next(30)), at: place)
        }
      }
      FuzzChecks.members(sidecar + seed[end...])
    }
  }
}
