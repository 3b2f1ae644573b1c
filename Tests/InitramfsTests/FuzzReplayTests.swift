// SPDX-License-Identifier: MIT

import Fidelity
import Foundation
import FuzzChecks
import OddImages
import Testing

/// What fuzzing began with and what it has found, once more.
@Suite struct FuzzReplayTests {
  @Test(arguments: ["seeds", "failures"])
  func `what is in Fuzz holds what must hold for any bytes`(directory: String) throws {
    let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Fuzz/\(directory)")
    let files = try FileManager.default.contentsOfDirectory(
      at: url, includingPropertiesForKeys: nil)
    #expect(directory == "failures" || files.count > 50)
    for file in files {
      let bytes = Array(try Data(contentsOf: file))
      for check in FuzzCheck.allCases { check.run(bytes) }
    }
  }

  @Test func `each odd image holds what must hold for any bytes`() throws {
    for image in try Corpus.images() {
      for check in FuzzCheck.allCases { check.run(image.bytes) }
    }
  }

  @Test func `a sidecar with bytes changed, lost or doubled holds what must hold`() throws {
    let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Fuzz/seeds/described")
    let seed = Array(try Data(contentsOf: url))
    let end = try #require(seed.firstRange(of: [0x0A, 0x0A])).lowerBound
    var random = SplitMix(seed: 1)
    func next(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }
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
      FuzzCheck.members.run(sidecar + seed[end...])
    }
  }
}
