// SPDX-License-Identifier: MIT

import CLinux
import Foundation
import Testing
import Tree

extension TreeTests {
  @Suite struct `Room` {
    private static let megabyte = 1 << 20

    @Test(arguments: [1, 2])
    func `a file moves where there is room for it and two megabytes, not for two of it`(names: Int)
      throws
    {
      try Arena.with(source: .none, target: .none, size: "66m") { arena in
        try Planting(directory: arena.source).file("file", size: 64 * Self.megabyte)
        if names == 2 { try Planting(directory: arena.source).hardLink("again", to: "file") }
        let before = try Snapshot(of: arena.source)
        let mover = try arena.mover()

        try mover.move()
        #expect(try Snapshot(of: arena.target)["file"] == before["file"])

        try mover.restore()
        #expect(try Snapshot(of: arena.source)["file"] == before["file"])
      }
    }

    @Test func `so do many with several names`() throws {
      try Arena.with(source: .none, target: .none, size: "34m") { arena in
        let planting = Planting(directory: arena.source)
        for number in 0..<64 {
          try planting.file("\(number)", size: Self.megabyte / 2)
          try planting.hardLink("\(number)-again", to: "\(number)")
        }
        try planting.settleTimes()
        let before = try Snapshot(of: arena.source)
        let mover = try arena.mover()

        try mover.move()
        #expect(try Snapshot(of: arena.target).differences(from: before) == [])

        try mover.restore()
        #expect(try Snapshot(of: arena.source).differences(from: before) == [])
      }
    }

    @Test func `and comes back within those two megabytes, whatever call fails`() throws {
      try Arena.with(source: .none, target: .none, size: "18m") { arena in
        try Planting(directory: arena.source).file("file", size: 16 * Self.megabyte)
        try Planting(directory: arena.source).settleTimes()
        let before = try Snapshot(of: arena.source)
        let free = try arena.freeBlocks()

        for calls in 0... {
          try arena.waitForFreeBlocks(free)
          let mover = try arena.mover(threads: 1)
          Faults.fail(after: calls, with: EIO)
          do throws(Failure) {
            try mover.move()
          } catch { try #require(!error.tearsFile, "call \(calls)") }
          if Faults.disarm() { break }

          try mover.restore()
          let restored = try Snapshot(of: arena.source)
          try #require(restored.differences(from: before) == [], "call \(calls)")
        }
      }
    }

    @Test func `a program that is being executed moves without being cut`() throws {
      try Arena.with { arena in
        try Planting(directory: arena.source).program("program", size: 3 * Self.megabyte)
        try Planting(directory: arena.source).hardLink("again", to: "program")
        try Planting(directory: arena.source).program("alone", size: 3 * Self.megabyte)
        try Planting(directory: arena.source).settleTimes()
        let processes = try ["program", "alone"].map { name in
          try Process.run(URL(filePath: "\(arena.path)/source/\(name)"), arguments: ["60"])
        }
        defer { for process in processes { process.terminate() } }
        // To start one changes its access time.
        let before = try Snapshot(of: arena.source)
        let mover = try arena.mover()

        try mover.move()
        #expect(try Snapshot(of: arena.target).differences(from: before) == [])

        try mover.restore()
        #expect(try Snapshot(of: arena.source).differences(from: before) == [])
      }
    }

    @Test func `without those two megabytes it does not move, and stays whole`() throws {
      try expectReturn(source: .none, target: .none, size: "64m") {
        try $0.file("file", size: 64 * Self.megabyte)
      }
    }

    @Test(arguments: [1, 3])
    func `a target that is too small ends the move, and all comes back`(threads: Int) throws {
      let failure = try expectReturn(target: .tmpfs("size=4m"), threads: threads) {
        try plantOneOfEach($0)
        try $0.directory("more")
        for number in 0..<30 { try $0.file("more/\(number)", size: 200_000 + number) }
      }
      #expect(!failure.name.isEmpty)
    }

    @Test func `the failure names the call and the file that did not fit`() throws {
      let failure = try expectReturn(target: .tmpfs("size=2m")) {
        try $0.file("too large", size: 3 * Self.megabyte)
      }
      #expect("\(failure.step)" == "sendfile")
      #expect(failure.name == Array("too large".utf8))
    }

    @Test func `a target with too few inodes ends the move, and all comes back`() throws {
      try expectReturn(target: .tmpfs("nr_inodes=20"), plantOneOfEach)
    }
  }
}
