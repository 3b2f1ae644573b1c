// SPDX-License-Identifier: MIT

import Fidelity
import OddImages
import TestSupport
import Testing

@testable import BootHarness

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
