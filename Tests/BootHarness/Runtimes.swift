// SPDX-License-Identifier: MIT

import Fidelity
import SystemPackage
import Testing

/// The kit's container runtimes.
enum Runtimes {
  private static let names = [
    "pivot_root(busybox)", "runc", "crun", "bwrap", "bwrap (userns)", "podman+runc", "podman+crun",
  ]

  /// Runs them in `boot` and expects `result` from each.
  @discardableResult
  static func expectEach(
    _ result: String, of names: [String] = names, in boot: Boot
  ) async throws -> Outcome {
    var boot = boot
    (boot.memory, boot.timeout) = (1024, .seconds(400))
    boot.images = [try bytes(of: Place.cache.appending("kit/full/kit.cpio.zst"))]
    // The kernels of `make kernel` have no modules.
    if !boot.kernel.hasPrefix("bzImage-") {
      boot.tree.addOverlay(try bytes(of: Place.module("overlay", of: boot.kernel)))
    }
    let list = names.map { "'\($0)'" }.joined(separator: " ")
    let outcome = try await boot.run("/kit/bin/runtimes \(list)")

    let results = RuntimeResults(outcome.output.split(separator: "\n")).all
    #expect(results.count == names.count, "\(outcome)")
    for name in names { #expect(results[name] == result, "\(name): \(results)") }
    return outcome
  }
}
