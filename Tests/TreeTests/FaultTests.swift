// SPDX-License-Identifier: MIT

import CLinux
import Testing
import Tree

extension TreeTests {
  @Suite struct `Whatever call fails` {
    /// Lets one call after the other fail, until a move comes to its end without.
    private func failEach(
      threads: Int, _ plant: (Planting) throws -> Void,
      _ check: (_ arena: Arena, _ before: Snapshot, _ calls: Int) throws -> Void
    ) throws {
      try Arena.with { arena in
        let planting = Planting(directory: arena.source)
        try plant(planting)
        try planting.settleTimes()
        let before = try Snapshot(of: arena.source)

        for calls in 0... {
          let mover = try arena.mover(threads: threads)
          let open = try arena.openDescriptors()

          Faults.fail(after: calls, with: EIO)
          let failure: Failure?
          do throws(Failure) {
            try mover.move()
            failure = nil
          } catch { failure = error }
          let isDone = Faults.disarm()

          if isDone {
            try #require(failure == nil, "call \(calls)")
            try #require(calls > 50)
            let moved = try Snapshot(of: arena.target)
            try #require(moved.differences(from: before) == [])
            return
          }
          let step = try #require(failure?.step, "call \(calls) failed, and nobody noticed")
          try #require(failure?.code == EIO)
          try #require(arena.workingDirectory() == arena.path, "\(step), call \(calls)")

          do throws(Failure) {
            try mover.restore()
          } catch {
            throw CallFailure(
              description: "restore after \(step), call \(calls): \(error.step) \(error.code)"
                + " of \(printable(error.name))")
          }
          try check(arena, before, calls)
          try #require(try arena.openDescriptors() == open, "\(step), call \(calls)")
          try #require(arena.workingDirectory() == arena.path, "\(step), call \(calls)")
        }
      }
    }

    private func requireSame(_ arena: Arena, _ before: Snapshot, _ calls: Int) throws {
      let restored = try Snapshot(of: arena.source)
      try #require(restored.differences(from: before) == [], "call \(calls)")
      try #require(try names(in: arena.target).isEmpty, "call \(calls)")
    }

    @Test(arguments: [1, 3])
    func `the tree is brought back as it was, and nothing stays open`(threads: Int) throws {
      try failEach(threads: threads, plantOneOfEach, requireSame)
    }

    @Test func `mounts are brought back with it`() throws {
      func plant(_ planting: Planting) throws {
        try plantMount(planting)
        for number in 0..<4 { try planting.file("\(number)", size: number) }
      }
      try failEach(threads: 2, plant, requireSame)
    }

    @Test func `the failure has the name of the entry`() throws {
      try Arena.with { arena in
        try Planting(directory: arena.source).directory("directory")
        try Planting(directory: arena.source).file("directory/the file", size: 1)
        var named: Set<String> = []
        for calls in 0... {
          let mover = try arena.mover(threads: 1)
          Faults.fail(after: calls, with: EIO)
          do throws(Failure) {
            try mover.move()
          } catch { named.insert(printable(error.name)) }
          if Faults.disarm() { break }
          try mover.restore()
        }
        #expect(named == ["", "directory", "the file"])
      }
    }

    @Test func `a half-moved tree is whole: each entry in one of the two places`() throws {
      try Arena.with { arena in
        let planting = Planting(directory: arena.source)
        try planting.directory("directory")
        for number in 0..<10 { try planting.file("directory/\(number)", size: 1000 + number) }
        try planting.file("large", size: (3 << 20) + 5)
        try planting.settleTimes()
        let before = try Snapshot(of: arena.source)

        for calls in 0... {
          let mover = try arena.mover(threads: 1)
          Faults.fail(after: calls, with: ENOSPC)
          do throws(Failure) { try mover.move() } catch {}
          if Faults.disarm() { break }

          let (here, there) = (try Snapshot(of: arena.source), try Snapshot(of: arena.target))
          for path in before.paths where before[path]?.content != [] {
            let places = [here, there].filter { $0[path] == before[path] }
            try #require(places.count == 1, "\(path), call \(calls)")
          }
          try mover.restore()
        }
      }
    }

    @Test func `without a fault nothing fails`() throws {
      try Arena.with { arena in
        try plantOneOfEach(Planting(directory: arena.source))
        Faults.fail(after: .max - 1, with: EIO)
        defer { _ = Faults.disarm() }
        try arena.mover().move()
        #expect(Faults.disarm())
      }
    }

    @Test func `a restore that fails says so, and loses no content`() throws {
      func plant(_ planting: Planting) throws {
        try planting.directory("directory")
        try planting.file("file", size: (1 << 20) + 1)
        try planting.file("directory/linked", size: (1 << 20) + 2)
        try planting.hardLink("linked", to: "directory/linked")
        try planting.symbolicLink("directory/link", to: "file")
        try planting.settleTimes()
      }

      try Arena.with { arena in
        let planting = Planting(directory: arena.source)
        try plant(planting)
        let before = try Snapshot(of: arena.source)

        for calls in 0... {
          let mover = try arena.mover(threads: 1)
          try mover.move()
          Faults.fail(after: calls, with: EIO)
          let hasFailed: Bool
          do throws(Failure) {
            try mover.restore()
            hasFailed = false
          } catch { hasFailed = true }
          if Faults.disarm() {
            try #require(!hasFailed)
            try requireSame(arena, before, calls)
            return
          }
          try #require(hasFailed, "call \(calls)")

          let (here, there) = (try Snapshot(of: arena.source), try Snapshot(of: arena.target))
          let contents = Array(here.entries.values) + there.entries.values
          for (path, entry) in before.entries {
            let isThere = contents.contains { $0.hasContent(of: entry) }
            try #require(isThere, "\(path), call \(calls)")
          }

          // A new tree for the next call.
          try empty(arena.source)
          try empty(arena.target)
          try plant(planting)
        }
      }
    }
  }
}
