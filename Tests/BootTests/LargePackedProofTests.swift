// SPDX-License-Identifier: MIT

import TestSupport
import Testing

/// Packed trees that are large.
@Suite(.serialized) struct LargePackedProofTests {
  @Test func `a file of 4 GiB is refused, by its name and size`() throws {
    let directory = try TemporaryDirectory()
    let script = "mkdir tree && truncate -s 4294967296 tree/large"
    _ = try Command(["sh", "-ec", script], in: directory.path).output()
    let output = directory.path.appending("packed.img")
    let words = ["pack", directory.path.appending("tree").string, "-o", output.string]
    let ended = try Command([Command.leafroot] + words).run()

    #expect(ended.status == 2)
    #expect(
      ended.errors.contains("newc holds files of less than 4 GiB: 'large' has 4294967296 bytes"),
      "\(ended.errors)")
    #expect(try directory.names == ["tree"])
  }
}
