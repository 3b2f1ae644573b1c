// SPDX-License-Identifier: MIT

import CLinux
import Testing
import Tree

extension TreeTests {
  @Suite struct `Emptying a directory` {
    @Test func `removes everything in it, and not the directory`() throws {
      try Arena.with { arena in
        try plantOneOfEach(Planting(directory: arena.source))
        for number in 0..<3000 { try Planting(directory: arena.source).file("file-\(number)") }
        let open = try arena.openDescriptors()

        try empty(arena.source)

        #expect(try names(in: arena.source).isEmpty)
        #expect(try arena.openDescriptors() == open)
      }
    }

    @Test func `leaves what is beside it`() throws {
      try Arena.with { arena in
        let planting = Planting(directory: arena.source)
        try planting.directory("emptied")
        try planting.directory("emptied/below")
        try planting.directory("beside")
        try planting.file("beside/file", size: 5)
        let directory = try openDescriptor("emptied", in: arena.source)
        defer { close(directory) }

        try empty(directory)

        #expect(try Snapshot(of: arena.source).paths == ["emptied", "beside", "beside/file"])
      }
    }

    @Test func `removes symbolic links, never what they point to`() throws {
      try Arena.with { arena in
        try plantOneOfEach(Planting(directory: arena.target))
        let outside = try Snapshot(of: arena.target)
        let planting = Planting(directory: arena.source)
        try planting.symbolicLink("directory", to: "\(arena.path)/target")
        try planting.symbolicLink("file", to: "\(arena.path)/target/file")
        try planting.symbolicLink("relative", to: "../target/directory")
        // So the links would lead there, if someone followed them.
        #expect(access("\(arena.path)/source/directory/file", F_OK) == 0)

        try empty(arena.source)

        #expect(try names(in: arena.source).isEmpty)
        #expect(try Snapshot(of: arena.target).differences(from: outside) == [])
      }
    }

    @Test func `neither enters nor removes what is mounted below it, and says so`() throws {
      try Arena.with { arena in
        let planting = Planting(directory: arena.source)
        for name in ["a", "mount", "z"] { try planting.directory(name) }
        try Arena.mount("tmpfs", on: path("mount", in: arena.source), "size=1m")
        try planting.file("mount/file", size: 5)

        let failure = try #require(throws: Failure.self) { try empty(arena.source) }

        #expect(failure.code == EBUSY)
        #expect(failure.name == Array("mount".utf8))
        #expect(try Snapshot(of: arena.source).paths == ["mount", "mount/file"])
      }
    }

    @Test func `goes on after a failure, and throws the first`() throws {
      try Arena.with { arena in
        let planting = Planting(directory: arena.source)
        for number in 0..<10 { try planting.file("\(number)") }
        let open = try arena.openDescriptors()

        Faults.fail(after: 5, with: EIO)
        defer { _ = Faults.disarm() }
        let failure = try #require(throws: Failure.self) { try empty(arena.source) }

        #expect(failure.code == EIO)
        #expect(!failure.name.isEmpty)
        #expect(try names(in: arena.source) == [failure.name])
        #expect(try arena.openDescriptors() == open)
      }
    }
  }
}
