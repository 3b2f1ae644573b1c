// SPDX-License-Identifier: MIT

import CLinux
import Testing
import Tree

extension TreeTests {
  @Suite struct `Hard links stay together` {
    @Test(arguments: [0, 1, 1 << 20, (1 << 20) + 1, (4 << 20) + 99])
    func `of a regular file, across directories`(size: Int) throws {
      try expectSameAfterMove {
        try $0.directory("a")
        try $0.directory("b")
        try $0.directory("b/c")
        try $0.file("a/file", size: size, 0o4751, user: 1, group: 2)
        try $0.hardLink("z", to: "a/file")
        try $0.hardLink("b/c/file", to: "a/file")
        try $0.hardLink("a/again", to: "a/file")
        try $0.attribute("trusted.note", [1, 2, 3], on: "z")
      }
    }

    @Test func `of device nodes, fifos, sockets and symbolic links`() throws {
      try expectSameAfterMove {
        try $0.directory("directory")
        try $0.node("character", S_IFCHR, 1, 5, 0o666)
        try $0.node("block", S_IFBLK, 8, 1, 0o660, group: 6)
        try $0.node("fifo", S_IFIFO, 0, 0, 0o620)
        try $0.node("socket", S_IFSOCK)
        try $0.symbolicLink("link", to: "nowhere")
        for name in ["character", "block", "fifo", "socket", "link"] {
          try $0.hardLink("directory/\(name)", to: name)
        }
        try $0.attribute("trusted.note", [4], on: "link")
      }
    }

    @Test func `of 300 files of two names and one of 300`() throws {
      try expectSameAfterMove {
        try $0.directory("directory")
        try $0.file("common", size: 77)
        for number in 0..<300 {
          try $0.hardLink("directory/common-\(number)", to: "common")
          try $0.file("\(number)", size: number)
          try $0.hardLink("directory/\(number)", to: "\(number)")
        }
      }
    }

    @Test func `and a name outside the tree keeps the file, with what it held`() throws {
      try Arena.with(source: .none) { arena in
        try Planting(directory: arena.source).file("file", size: 1234)
        try check("link", link("source/file", "outside"))

        try arena.mover().move()

        let moved = try Snapshot(of: arena.target)
        #expect(moved["file"]?.fields["links"] == "1")
        #expect(moved["file"]?.content.count == 1234)
        #expect(try names(in: arena.source).isEmpty)
      }
    }

    @Test func `nothing of ours is left, and files of equal content stay two`() throws {
      try Arena.with { arena in
        let planting = Planting(directory: arena.source)
        for name in ["one", "two"] { try planting.file(Array(name.utf8CString), content(5000)) }
        try planting.hardLink("one-again", to: "one")

        try arena.mover().move()

        let moved = try Snapshot(of: arena.target)
        #expect(moved.paths == ["one", "one-again", "two"])
        #expect(moved["two"]?.fields["same as"] == "two")
        #expect(moved["one-again"]?.fields["same as"] == "one")
      }
    }
  }
}
