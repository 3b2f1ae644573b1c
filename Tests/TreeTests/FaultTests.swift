// SPDX-License-Identifier: MIT

import CLinux
import Testing
import Tree

extension TreeTests {
  @Suite struct `Whatever call fails` {
    /// Lets one call after the other fail, until a move comes to its end without.
    ///
    /// - Parameter lost: a field of entries that a whole move changes.
    private func failEach(
      threads: Int, source: Arena.FileSystem = .tmpfs("size=50%"), losing lost: String = "nothing",
      _ plant: (Planting) throws -> Void,
      _ check: (_ arena: Arena, _ before: Snapshot, _ calls: Int) throws -> Void
    ) throws {
      try Arena.with(source: source) { arena in
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
            let lines = moved.differences(from: before)
            try #require(lines.filter { !$0.contains(": \(lost) ") } == [])
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

    @Test(arguments: [2, 3, 9])
    func `hard links are brought back together`(links: Int) throws {
      try failEach(threads: 1, { try plantHardLinks($0, links) }, requireSame)
    }

    @Test func `holes are brought back as holes`() throws {
      func plant(_ planting: Planting) throws {
        for (number, shape) in SparseFile.shapes.enumerated() where number % 2 == 1 {
          let name = "\(number)"
          try SparseFile(size: shape.size, shape.data).plant(name, in: planting.directory)
          try planting.attribute("security.capability", KernelAttribute.capability, on: name)
          if number % 4 == 1 { try planting.hardLink("again-\(number)", to: name) }
        }
      }
      try failEach(threads: 1, plant, requireSame)
    }

    /// One of the names is outside the tree. Once all has moved, what it stands for is another
    /// file, and empty; until then the names stay together.
    @Test(arguments: [1, 2, 3])
    func `files that have a name elsewhere come back whole`(links: Int) throws {
      func plant(_ planting: Planting) throws {
        for (name, size) in [("small", 999), ("large", (2 << 20) + 1)] {
          try planting.file(name, size: size, 0o4711, user: 1, group: 2)
          try planting.attribute("security.capability", KernelAttribute.capability, on: name)
          for number in 1..<links { try planting.hardLink("\(name)-\(number)", to: name) }
          try check("link", linkat(planting.directory, name, AT_FDCWD, "outside-\(name)", 0))
        }
      }
      var (together, apart) = (0, 0)

      try failEach(threads: 1, source: .none, losing: "links", plant) { arena, before, calls in
        let restored = try Snapshot(of: arena.source)
        try #require(restored.paths == before.paths)
        for name in ["small", "large"] {
          let isTogether = restored[name]?.fields["links"] == before[name]?.fields["links"]
          if !isTogether {
            try #require(try extent(of: "outside-\(name)", in: AT_FDCWD)[0] == 0)
            try check("unlink", unlink("outside-\(name)"))
            try check("link", linkat(arena.source, name, AT_FDCWD, "outside-\(name)", 0))
          }
          if isTogether { together += 1 } else { apart += 1 }
        }
        try #require(try Snapshot(of: arena.source).differences(from: before) == [])
        try #require(try names(in: arena.target).isEmpty)
      }
      #expect(together > 2 * apart)
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

      try failReturn(of: plant)
    }

    @Test func `a restore of hard links and holes that fails loses none`() throws {
      try failReturn {
        try plantHardLinks($0, 3)
        try SparseFile(size: 5 << 20, [(65536, 9), (3 << 20, 70_000)]).plant("~", in: $0.directory)
        try $0.settleTimes()
      }
    }

    /// Lets the move fail somewhere, and after each such failure the way back.
    @Test func `a restore that fails after a move that failed loses no content`() throws {
      func plant(_ planting: Planting) throws {
        try planting.file("file", size: (1 << 20) + 1)
        try planting.file("linked", size: (1 << 20) + 2)
        for name in ["linked-1", "linked-2"] { try planting.hardLink(name, to: "linked") }
        try planting.file("other", size: 5)
        try planting.hardLink("another", to: "other")
        try planting.settleTimes()
      }
      for calls in stride(from: 3, to: 120, by: 7) { try failReturn(after: calls, of: plant) }
    }

    /// Lets one call after the other of the way back fail: it says so, and each content is
    /// somewhere.
    ///
    /// - Parameter moveCalls: how many calls of the move succeed; nil if all do.
    private func failReturn(
      after moveCalls: Int? = nil, of plant: (Planting) throws -> Void
    ) throws {
      try Arena.with { arena in
        let planting = Planting(directory: arena.source)
        try plant(planting)
        let before = try Snapshot(of: arena.source)

        for calls in 0... {
          let mover = try arena.mover(threads: 1)
          if let moveCalls { Faults.fail(after: moveCalls, with: EIO) }
          do throws(Failure) { try mover.move() } catch { try #require(moveCalls != nil) }
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
