// SPDX-License-Identifier: MIT

import Packing
import SystemPackage
import Testing

@testable import BootHarness

@Suite struct ProgramSizeTests {
  /// An image pays for it in memory, twice while the kernel unpacks it.
  @Test(arguments: Architecture.allCases)
  func `PID 1 has at most 540 KiB`(architecture: Architecture) throws {
    let file = Place.library.appending("leafroot-init.\(architecture)")
    #expect(try bytes(of: file).count <= 540 << 10)
  }
}
