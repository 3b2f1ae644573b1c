// SPDX-License-Identifier: MIT

import CLinux
import Testing
import Tree

extension TreeTests {
  /// tmpfs counts each name of a file as an inode (mm/shmem.c, shmem_link()).
  @Suite struct `Inodes` {
    /// 600 files of `links` names, in two directories.
    private func plant(links: Int, in directory: Int32) throws {
      let planting = Planting(directory: directory)
      try planting.directory("others")
      for number in 0..<600 {
        try planting.file("\(number)", size: number)
        for other in 1..<links {
          try planting.hardLink("others/\(number)-\(other)", to: "\(number)")
        }
      }
      try planting.settleTimes()
    }

    /// What the tree takes, its root and our own directory of hard links included.
    private func count(links: Int) -> Int { 600 * links + 3 }

    private func freeInodes(of directory: Int32) throws -> UInt {
      var limits = statfs()
      try check("fstatfs", fstatfs(directory, &limits))
      return UInt(limits.f_ffree)
    }

    private func withTightTrees(
      links: Int, _ body: (_ arena: Arena, _ before: Snapshot) throws -> Void
    ) throws {
      let tight = Arena.FileSystem.tmpfs("nr_inodes=\(count(links: links))")
      try Arena.with(source: tight, target: tight) { arena in
        try plant(links: links, in: arena.source)
        try #require(try freeInodes(of: arena.source) == 1)
        try body(arena, try Snapshot(of: arena.source))
      }
    }

    @Test(arguments: [2, 3, 5])
    func `just enough for the tree are enough to move it, and to bring it back`(links: Int) throws {
      try withTightTrees(links: links) { arena, before in
        let mover = try arena.mover()

        try mover.move()
        #expect(try Snapshot(of: arena.target).differences(from: before) == [])
        #expect(try names(in: arena.source).isEmpty)

        try mover.restore()
        #expect(try Snapshot(of: arena.source).differences(from: before) == [])
        #expect(try names(in: arena.target).isEmpty)
      }
    }

    @Test(arguments: [2, 3])
    func `just enough for the tree bring it back, wherever the move ends`(links: Int) throws {
      try withTightTrees(links: links) { arena, before in
        for calls in stride(from: 1, to: .max, by: 997) {
          let mover = try arena.mover(threads: 1)
          Faults.fail(after: calls, with: EIO)
          do throws(Failure) { try mover.move() } catch { try #require(error.code == EIO) }
          if Faults.disarm() {
            try #require(calls > 5000)
            return
          }

          do throws(Failure) {
            try mover.restore()
          } catch {
            throw CallFailure(description: "call \(calls): \(error.step) \(error.code)")
          }
          let restored = try Snapshot(of: arena.source)
          try #require(restored.differences(from: before) == [], "call \(calls)")
          try #require(try names(in: arena.target).isEmpty, "call \(calls)")
        }
      }
    }

    @Test func `one too few in the target end the move, and all comes back`() throws {
      let limit = count(links: 2)
      try expectReturn(
        source: .tmpfs("nr_inodes=\(limit)"), target: .tmpfs("nr_inodes=\(limit - 2)")
      ) { try plant(links: 2, in: $0.directory) }
    }

    @Test func `a tree without hard links needs none of ours`() throws {
      try Arena.with(source: .tmpfs("nr_inodes=11"), target: .tmpfs("nr_inodes=11")) { arena in
        for number in 0..<10 { try Planting(directory: arena.source).file("\(number)") }
        try #require(try freeInodes(of: arena.source) == 0)
        let before = try Snapshot(of: arena.source)
        let mover = try arena.mover()

        try mover.move()
        #expect(try Snapshot(of: arena.target).differences(from: before) == [])
        try mover.restore()
        #expect(try Snapshot(of: arena.source).differences(from: before) == [])
      }
    }
  }
}
