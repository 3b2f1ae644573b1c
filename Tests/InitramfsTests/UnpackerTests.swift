// SPDX-License-Identifier: MIT

import Initramfs
import Newc
import Testing

@testable import Inspection

/// What a small image with any number of records could take.
@Suite struct UnpackerTests {
  private func unpack(_ count: Int, _ entry: (Int) -> Entry) throws {
    var unpacker = Unpacker(MemoryTree(), memoryLimit: 10_000)
    for number in 0..<count {
      _ = try unpacker.apply(entry(number), target: [])
      if number == 50 { unpacker.forgetLinks() }
    }
    try unpacker.finish()
  }

  @Test func `what is kept of directories and hard links has a limit`() throws {
    func name(_ number: Int) -> [UInt8] { Array("no/\(number)".utf8) }
    try unpack(100) { Entry(name: name($0), mode: 0o040755) }
    try unpack(1000) { Entry(name: name($0), mode: 0o100644) }
    let error = #expect(throws: UnpackFailure.self) {
      try unpack(200) { Entry(name: name($0), mode: 0o040755) }
    }
    #expect(error?.code == ErrorNumber.noMemory)
    let linked = #expect(throws: UnpackFailure.self) {
      try unpack(250) { Entry(name: name($0), mode: 0o100644, linkCount: 2, inode: UInt32($0)) }
    }
    #expect(linked?.code == ErrorNumber.noMemory)
    // A trailer is between the two halves.
    try unpack(180) { Entry(name: name($0), mode: 0o100644, linkCount: 2, inode: UInt32($0)) }
  }
}
