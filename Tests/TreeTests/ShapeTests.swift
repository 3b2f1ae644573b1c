// SPDX-License-Identifier: MIT

import CLinux
import Testing

extension TreeTests {
  @Suite struct `A tree of any shape` {
    @Test func `has names of any bytes`() throws {
      try expectSameAfterMove { planting in
        let odd: [[UInt8]] = [
          [0xff, 0xfe], [0x0a], [0x20], [0x2a, 0x3f], [0x2d, 0x2d], [0xc3, 0x28], [0x5c], [0x07],
          [0x2e, 0x2e, 0x2e], [0x2e, 0x61], Array("größe".utf8), Array(0x80...0xff),
        ]
        for name in odd {
          try planting.file(name.map { CChar(bitPattern: $0) } + [0], [1, 2, 3])
        }
      }
    }

    @Test func `has names of 255 bytes, at 64 levels`() throws {
      try expectSameAfterMove { planting in
        let name = String(repeating: "n", count: 255)
        try planting.file(String(repeating: "f", count: 255), size: 9)
        try plantLevels(64, named: name, in: planting.directory) { try $0.file("leaf", size: 77) }
      }
    }

    @Test func `has 500 levels`() throws {
      try expectSameAfterMove { planting in
        try plantLevels(500, named: "d", in: planting.directory) { level in
          try level.file("leaf", size: 77)
          try level.symbolicLink("link", to: "leaf")
          try level.hardLink("again", to: "leaf")
        }
      }
    }

    @Test(arguments: [1, 2])
    func `has 20,000 entries in one directory`(threads: Int) throws {
      try expectSameAfterMove(threads: threads) { planting in
        try planting.directory("many")
        for number in 0..<20_000 {
          let content = [UInt8(truncatingIfNeeded: number)]
          try planting.file(Array("many/\(number)".utf8CString), content)
        }
      }
    }

    /// What a process may have open at once is 1,024 descriptors when the kernel starts PID 1.
    @Test(arguments: [1, 8])
    func `has 1,500 directories of one file each, with 1,024 descriptors`(threads: Int) throws {
      var before = rlimit()
      try check("getrlimit", getrlimit(Kernel.openFiles, &before))
      defer { setrlimit(Kernel.openFiles, &before) }
      var limit = before
      limit.rlim_cur = 1024
      try check("setrlimit", setrlimit(Kernel.openFiles, &limit))

      try expectSameAfterMove(threads: threads) { planting in
        for number in 0..<1500 {
          try planting.directory("\(number)")
          try planting.file("\(number)/file", size: 60_000)
        }
      }
    }

    private func plantLevels(
      _ count: Int, named name: String, in directory: Int32, _ plant: (Planting) throws -> Void
    ) throws {
      if count == 0 { return try plant(Planting(directory: directory)) }
      try Planting(directory: directory).directory(name)
      let child = try openDescriptor(name, in: directory)
      defer { close(child) }
      try plantLevels(count - 1, named: name, in: child, plant)
    }
  }
}
