// SPDX-License-Identifier: MIT

import CLinux
import Newc
import Testing
import Tree

extension TreeTests {
  /// What a small image with any number of records could take.
  @Suite struct `An unpacker` {
    private func unpack(_ count: Int, _ entry: (Int) -> Entry) throws {
      try Arena.with(source: .none, target: .none) { arena in
        let unpacker = Unpacker(into: arena.target, isPrivileged: false, memoryLimit: 10_000)
        for number in 0..<count {
          if try unpacker.create(entry(number)) { try unpacker.endData() }
          if number == 50 { unpacker.forgetLinks() }
        }
        try unpacker.finish()
      }
    }

    @Test func `what is kept of directories and hard links has a limit`() throws {
      func name(_ number: Int) -> [UInt8] { Array("no/\(number)".utf8) }
      try unpack(100) { Entry(name: name($0), mode: 0o040755) }
      try unpack(1000) { Entry(name: name($0), mode: 0o100644) }
      let error = #expect(throws: Failure.self) {
        try unpack(200) { Entry(name: name($0), mode: 0o040755) }
      }
      #expect(error?.code == ENOMEM)
      let linked = #expect(throws: Failure.self) {
        try unpack(250) { Entry(name: name($0), mode: 0o100644, linkCount: 2, inode: UInt32($0)) }
      }
      #expect(linked?.code == ENOMEM)
      // A trailer is between the two halves.
      try unpack(180) { Entry(name: name($0), mode: 0o100644, linkCount: 2, inode: UInt32($0)) }
    }
  }
}
