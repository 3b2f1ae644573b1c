// SPDX-License-Identifier: MIT

import Packing
import Testing

@Suite struct ProgramSizeTests {
  /// An image pays for them in memory, twice while the kernel unpacks it.
  @Test(arguments: Architecture.allCases, [("leafroot-init", 140), ("leafroot-init", 600)])
  func `a program of the guest stays within its bound`(
    architecture: Architecture, program: (name: String, kibibytes: Int)
  ) throws {
    let file = Place.library.appending("\(program.name).\(architecture)")
    #expect(try bytes(of: file).count <= program.kibibytes << 10)
  }
}
