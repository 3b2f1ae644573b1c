// SPDX-License-Identifier: MIT

import Machines
import Testing

@testable import BootHarness

/// What goes wrong only now and then.
@Suite(.serialized) struct BootSeriesProofTests {
  @Test func `300 boots in a row, over kernels, processors and memory: each is as promised`()
    async throws
  {
    var series = try BootSeries()
    try await series.run()
  }

  @Test func `twin: a boot without the leaf is noticed`() async throws {
    var image = try await BootSeriesImage()
    let boot = SeriesBoot(1, seed: 1) { image.least[$0.name]! }
    image.boot.hasLeaf = false
    let kernel = try #require(StockKernel.rootfs.first)
    let outcome = try await boot.boot(of: image).run()

    #expect(image.fault(of: outcome, on: kernel) == Verdict.Outcome.notAsPromised.rawValue)
  }

  @Test func `a boot follows from its number and the seed`() {
    let boots = (1...300).map { SeriesBoot($0, seed: 7, least: { _ in 76 }) }

    #expect(
      boots.map(\.description) == (1...300).map { "\(SeriesBoot($0, seed: 7, least: { _ in 76 }))" }
    )
    #expect(Set(boots.map(\.kernel.name)).count == BootSeriesImage.kernels.count)
    #expect(Set(boots.map(\.cpus)) == [1, 2, 4])
    #expect(boots.allSatisfy { (76...2048).contains($0.memory) })
    #expect(
      boots.map(\.description) != (1...300).map { "\(SeriesBoot($0, seed: 8, least: { _ in 76 }))" }
    )
  }
}
