// SPDX-License-Identifier: MIT

import CLinux
import Testing

@testable import Tree

extension TreeTests {
  /// What older images have put into a directory becomes the upper layer over a newer one.
  @Suite struct UpperLayerTests {
    /// Fills the older directory and the lower layer, and makes the upper layer.
    private func fill(
      older: (Planting) throws -> Void, lower: (Planting) throws -> Void = { _ in },
      _ verify: (Arena) throws -> Void
    ) throws {
      try Arena.with { arena in
        try check("mkdir", mkdir("lower", 0o755))
        let directory = try openDescriptor("lower")
        defer { close(directory) }
        try older(Planting(directory: arena.source))
        try lower(Planting(directory: directory))
        try UpperLayer.fill(arena.target, from: arena.source, under: directory)
        #expect(try names(in: arena.source).isEmpty)
        try verify(arena)
      }
    }

    private func status(_ name: String, _ arena: Arena) throws -> Status {
      try Status(of: Array(name.utf8CString), in: arena.target)
    }

    @Test func `what only the older one has is in it, with the directory's metadata`() throws {
      try fill {
        try $0.file("file", size: 5, 0o640, user: 3)
        try $0.directory("directory", 0o711)
        try $0.hardLink("directory/link", to: "file")
        try check("fchmod", fchmod($0.directory, 0o750))
        try $0.settleTimes()
      } _: { (arena: Arena) throws in
        #expect(try Snapshot(of: arena.target).paths == ["directory", "directory/link", "file"])
        #expect(try status("file", arena).inode == status("directory/link", arena).inode)
        #expect(try status("file", arena).user == 3)
        #expect(try status("directory", arena).permissions == 0o711)
        #expect(try Status(of: arena.target).permissions == 0o750)
      }
    }

    @Test func `of two entries the newer one stays, and the upper layer has none`() throws {
      try fill {
        try $0.file("file", size: 1)
        try $0.symbolicLink("link", to: "older")
        try $0.file("was-file", size: 1)
        try $0.directory("was-empty")
        try $0.node("device", S_IFCHR, 1, 3)
      } lower: {
        try $0.file("file", size: 2)
        try $0.symbolicLink("link", to: "newer")
        try $0.directory("was-file")
        try $0.file("was-empty", size: 2)
        try $0.file("device", size: 2)
      } _: { (arena: Arena) throws in
        #expect(try names(in: arena.target).isEmpty)
      }
    }

    @Test func `a directory that is not empty stays in the way`() throws {
      try fill {
        try $0.directory("file", 0o711, user: 3)
        try $0.file("file/inside", size: 1)
        try $0.directory("fifo", 0o711, user: 3)
        try $0.file("fifo/inside", size: 1)
      } lower: {
        try $0.file("file", size: 2)
        try $0.node("fifo", S_IFIFO, 0, 0, 0o640, user: 7)
      } _: { (arena: Arena) throws in
        let (file, fifo) = (try status("file", arena), try status("fifo", arena))
        #expect(file.isDirectory && fifo.isDirectory)
        #expect((file.user, file.permissions) == (3, 0o711))
        // The kernel changes the owner of what is there.
        #expect((fifo.user, fifo.permissions) == (7, 0o640))
      }
    }

    @Test func `a directory has the newer owner and permissions, and the older times`() throws {
      try fill {
        try $0.directory("kept", 0o711, user: 3)
        try $0.file("kept/file", size: 1)
        try $0.settleTimes()
      } lower: {
        try $0.directory("kept", 0o750, user: 4)
      } _: { (arena: Arena) throws in
        let kept = try status("kept", arena)
        #expect((kept.user, kept.permissions) == (4, 0o750))
        // Planting's times, which no other entry has.
        #expect((1_000_000_000..<1_000_000_010).contains(kept.modified))
      }
    }

    @Test func `an empty directory stays only if its time or its xattrs say more`() throws {
      try fill {
        for name in ["same", "xattr", "time"] { try $0.directory(name) }
        try $0.attribute("trusted.x", [1], on: "xattr")
        for name in ["same", "xattr"] { try date(name, in: $0.directory) }
      } lower: {
        for name in ["same", "xattr", "time"] {
          try $0.directory(name)
          try date(name, in: $0.directory)
        }
      } _: { (arena: Arena) throws in
        #expect(try Snapshot(of: arena.target).paths == ["time", "xattr"])
      }
    }

    private func date(_ name: String, in directory: Int32) throws {
      let times = [timespec(tv_sec: 7, tv_nsec: 0), timespec(tv_sec: 7, tv_nsec: 0)]
      try check("utimensat", utimensat(directory, name, times, 0))
    }

    @Test func `all names of an older file get the content of the newer one`() throws {
      try fill {
        try $0.file("one", size: 1)
        try $0.hardLink("other", to: "one")
      } lower: {
        try $0.file("one", size: 3 << 20, 0o600, user: 7)
      } _: { (arena: Arena) throws in
        let other = try status("other", arena)
        #expect((other.size, other.user, other.permissions) == (3 << 20, 7, 0o600))
        #expect(try status("one", arena).inode == other.inode)
      }
    }

    @Test func `a device keeps its number, and gets the newer metadata`() throws {
      try fill {
        try $0.node("device", S_IFCHR, 1, 3, 0o600)
      } lower: {
        try $0.node("device", S_IFCHR, 1, 5, 0o640, user: 7)
      } _: { (arena: Arena) throws in
        let device = try status("device", arena)
        #expect(device.deviceNode == linux_makedev(1, 3))
        #expect((device.user, device.permissions) == (7, 0o640))
      }
    }

    @Test func `of a file that has a name elsewhere no data move`() throws {
      try Arena.with { arena in
        let planting = Planting(directory: arena.source)
        for name in ["inside", "lower"] { try planting.directory(name) }
        try planting.file("inside/file", size: 5)
        try planting.hardLink("outside", to: "inside/file")
        let inside = try openDirectory(cName("inside"), in: arena.source)
        defer { close(inside) }
        let lower = try openDirectory(cName("lower"), in: arena.source)
        defer { close(lower) }

        let failure = try #require(throws: Failure.self) {
          try UpperLayer.fill(arena.target, from: inside, under: lower)
        }
        #expect(failure.code == EXDEV)
        #expect(try Status(of: cName("outside"), in: arena.source).size == 5)
      }
    }
  }
}
