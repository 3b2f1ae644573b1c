// SPDX-License-Identifier: MIT

import CLinux
import Testing
import Tree

/// A directory with content, and over it a tmpfs with other content; one mount more in that.
func plantMount(_ planting: Planting) throws {
  try planting.directory("run", 0o750, user: 1, group: 2)
  try planting.file("run/covered", size: 100)
  try planting.directory("run/covered-directory")
  try planting.file("run/covered-directory/file", size: (1 << 20) + 1)
  try Planting(directory: planting.directory).settleTimes()

  try Arena.mount("tmpfs", on: path("run", in: planting.directory), "mode=711,size=1m")
  try planting.file("run/visible", size: 200)
  try planting.directory("run/lower")
  try Arena.mount("tmpfs", on: path("run/lower", in: planting.directory), "mode=700,size=1m")
  try planting.file("run/lower/deep", size: 300)
}

extension TreeTests {
  @Suite struct `Mounts in the tree` {
    /// What identifies a mount: STATX_MNT_ID of Linux 5.8.
    private func mount(of name: String, in directory: Int32) throws -> UInt64 {
      var status = linux_status()
      try check(
        "statx \(name)", linux_statx(directory, name, AT_SYMLINK_NOFOLLOW, Kernel.mountID, &status))
      return status.mount_id
    }

    @Test func `move along, and what they cover moves below them`() throws {
      try Arena.with { arena in
        let planting = Planting(directory: arena.source)
        try plantMount(planting)
        try planting.settleTimes()
        let before = try Snapshot(of: arena.source)
        let mounts = try ["run", "run/lower"].map { try mount(of: $0, in: arena.source) }

        try arena.mover().move()

        #expect(try names(in: arena.source).isEmpty)
        #expect(try Snapshot(of: arena.target).differences(from: before) == [])
        #expect(try ["run", "run/lower"].map { try mount(of: $0, in: arena.target) } == mounts)

        try check("umount", umount2(path("run/lower", in: arena.target), 0))
        try check("umount", umount2(path("run", in: arena.target), 0))
        let uncovered = try Snapshot(of: arena.target)
        #expect(
          uncovered.paths == [
            "run", "run/covered", "run/covered-directory", "run/covered-directory/file",
          ])
        #expect(uncovered["run"]?.fields["mode"] == "40750")
        #expect(uncovered["run"]?.fields["owner"] == "1:2")
        #expect(uncovered["run/covered"]?.content.count == 100)
      }
    }

    @Test func `come back on restore`() throws {
      try Arena.with { arena in
        let planting = Planting(directory: arena.source)
        try plantMount(planting)
        let covered = try {
          try check("umount", umount2(path("run/lower", in: arena.source), 0))
          try check("umount", umount2(path("run", in: arena.source), 0))
          let covered = try Snapshot(of: arena.source)
          try Arena.mount("tmpfs", on: path("run", in: arena.source), "mode=711,size=1m")
          try planting.file("run/visible", size: 200)
          return covered
        }()
        let before = try Snapshot(of: arena.source)
        let id = try mount(of: "run", in: arena.source)
        let mover = try arena.mover()

        try mover.move()
        try mover.restore()

        #expect(try Snapshot(of: arena.source).differences(from: before) == [])
        #expect(try mount(of: "run", in: arena.source) == id)
        #expect(try names(in: arena.target).isEmpty)
        try check("umount", umount2(path("run", in: arena.source), 0))
        #expect(try Snapshot(of: arena.source).differences(from: covered) == [])
      }
    }

    @Test(arguments: ["file", "directory"])
    func `of one of its own entries end the move, and all is as it was`(bound: String) throws {
      try Arena.with { arena in
        let planting = Planting(directory: arena.source)
        for name in ["a", "b", "c"] {
          if bound == "file" {
            try planting.file(name, size: 10)
          } else {
            try planting.directory(name)
            try planting.file("\(name)/file", size: 10)
          }
        }
        let (from, to) = (path("a", in: arena.source), path("b", in: arena.source))
        try check("bind", CLinux.mount(from, to, nil, Kernel.bind, nil))
        try planting.settleTimes()
        let before = try Snapshot(of: arena.source)
        let id = try mount(of: "b", in: arena.source)
        let mover = try arena.mover()

        let failure = try #require(throws: Failure.self) { try mover.move() }
        #expect("\(failure.step)" == "bind mount")
        #expect(failure.name == Array("b".utf8))

        try mover.restore()
        #expect(try Snapshot(of: arena.source).differences(from: before) == [])
        #expect(try mount(of: "b", in: arena.source) == id)
        #expect(try names(in: arena.target).isEmpty)
      }
    }

    @Test func `of another file system's directory move along, as a bind mount too`() throws {
      try Arena.with { arena in
        try check("mkdir", mkdir("outside", 0o755))
        let outside = try openDescriptor("outside")
        defer { close(outside) }
        try Planting(directory: outside).file("file", size: 5)
        try Planting(directory: arena.source).directory("b")
        let to = path("b", in: arena.source)
        try check("bind", CLinux.mount("outside", to, nil, Kernel.bind, nil))
        try check("private", CLinux.mount(nil, to, nil, Kernel.makePrivate, nil))
        let id = try mount(of: "b", in: arena.source)
        let mover = try arena.mover()

        try mover.move()
        #expect(try mount(of: "b", in: arena.target) == id)
        #expect(try Snapshot(of: arena.target).paths == ["b", "b/file"])

        try mover.restore()
        #expect(try mount(of: "b", in: arena.source) == id)
        #expect(try Snapshot(of: arena.source).paths == ["b", "b/file"])
      }
    }

    @Test func `one on the other end the move, and both are where they were`() throws {
      try Arena.with { arena in
        let planting = Planting(directory: arena.source)
        try planting.directory("run")
        try Arena.mount("tmpfs", on: path("run", in: arena.source), "size=1m")
        try planting.file("run/lower", size: 10)
        try Arena.mount("tmpfs", on: path("run", in: arena.source), "size=1m")
        try planting.file("run/upper", size: 10)
        let mover = try arena.mover()

        let failure = try #require(throws: Failure.self) { try mover.move() }
        #expect("\(failure.step)" == "mount on a mount")
        try mover.restore()

        #expect(try Snapshot(of: arena.source).paths == ["run", "run/upper"])
        try check("umount", umount2(path("run", in: arena.source), 0))
        #expect(try Snapshot(of: arena.source).paths == ["run", "run/lower"])
        #expect(try names(in: arena.target).isEmpty)
      }
    }
  }
}
