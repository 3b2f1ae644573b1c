// SPDX-License-Identifier: MIT

import Fidelity
import Machines
import Testing

/// Empty files, in folders of 10,000.
struct EmptyFiles {
  let count: Int

  /// The files must be moved on a machine with `memory` MiB.
  func expectMove(memory: Int) async throws {
    var boot = Boot(memory: memory)
    for folder in 0..<(count / 10_000) {
      boot.tree.directory("many\(folder)")
      for file in 0..<10_000 { boot.tree.file("many\(folder)/\(file)", [], mode: 0o600) }
    }
    let outcome = try await boot.run("busybox find / -xdev -type f -name '[0-9]*' | busybox wc -l")

    #expect(outcome.verdict.outcome == .asPromised, "\(outcome)")
    #expect(outcome.output.contains("\(count)"), "\(outcome)")
  }
}
