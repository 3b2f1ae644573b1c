// SPDX-License-Identifier: MIT

import CLinux
import Testing

@testable import Tree

extension TreeTests {
  /// The source is what the kernel has unpacked beside a payload, the target the payload's tree.
  @Suite struct ReconciliationTests {
    /// Makes entries before and after the payload's file, then the tree, and reconciles them.
    private func reconcile(
      hasAllDirectories: Bool = false,
      before: (Planting) throws -> Void = { _ in }, after: (Planting) throws -> Void = { _ in },
      tree: (Planting) throws -> Void, _ check: (Arena) throws -> Void
    ) throws {
      try Arena.with { arena in
        let rest = Planting(directory: arena.source)
        try before(rest)
        try rest.directory("payload", 0o700)
        let mark = try Status(of: cName("payload"), in: arena.source).inode
        try after(rest)
        try tree(Planting(directory: arena.target))

        try Reconciliation(
          mark: mark, hasAllDirectories: hasAllDirectories, skipping: ["payload"]
        ).run(arena.source, arena.target)
        try Mover(
          from: arena.source, Status(of: arena.source), to: arena.target, skipping: "payload",
          merging: true
        ).move()
        try check(arena)
      }
    }

    private func size(_ name: String, _ arena: Arena) throws -> Int {
      try Status(of: Array(name.utf8CString), in: arena.target).size
    }

    @Test func `of two files the one stays that came last`() throws {
      try reconcile {
        try $0.file("early", size: 1)
      } after: {
        try $0.file("late", size: 1)
        try $0.file("alone", size: 4)
      } tree: {
        try $0.file("early", size: 2)
        try $0.file("late", size: 3)
      } _: { (arena: Arena) throws in
        #expect(try size("early", arena) == 2)
        #expect(try size("late", arena) == 1)
        #expect(try size("alone", arena) == 4)
        #expect(try names(in: arena.source) == [Array("payload".utf8)])
      }
    }

    @Test func `directories become one, with the later metadata and the tree's times`() throws {
      try reconcile {
        try $0.directory("early", 0o711, user: 3)
        try $0.file("early/kept", size: 1)
      } after: {
        try $0.directory("late", 0o750, user: 4, group: 5)
        try $0.file("late/new", size: 2)
      } tree: {
        try $0.directory("early", 0o755)
        try $0.directory("late", 0o755)
        try $0.file("late/old", size: 3)
        try $0.settleTimes()
      } _: { (arena: Arena) throws in
        let early = try Status(of: cName("early"), in: arena.target)
        let late = try Status(of: cName("late"), in: arena.target)
        #expect(early.permissions == 0o755)
        #expect(early.user == 0)
        #expect(late.permissions == 0o750)
        #expect(late.user == 4)
        #expect(late.group == 5)
        // Planting's times, which no other entry has.
        #expect(early.times.1.tv_sec > 1_000_000_000 && early.times.1.tv_sec < 1_000_000_010)
        #expect(late.times.1.tv_sec > 1_000_000_000 && late.times.1.tv_sec < 1_000_000_010)
        #expect(try size("early/kept", arena) == 1)
        #expect(try size("late/new", arena) == 2)
        #expect(try size("late/old", arena) == 3)
      }
    }

    @Test func `where the kernel has made all directories, theirs is the last word`() throws {
      try reconcile(hasAllDirectories: true) {
        try $0.directory("early", 0o711, user: 3)
      } tree: {
        try $0.directory("early", 0o755)
      } _: { (arena: Arena) throws in
        let early = try Status(of: cName("early"), in: arena.target)
        #expect(early.permissions == 0o711)
        #expect(early.user == 3)
      }
    }

    @Test func `a directory that is not empty stays where another type would take its place`()
      throws
    {
      try reconcile {
        try $0.directory("held")
        try $0.file("held/file", size: 1)
      } after: {
        try $0.file("full", size: 1)
        try $0.file("empty", size: 1)
      } tree: {
        try $0.file("held", size: 2)
        try $0.directory("full")
        try $0.file("full/file", size: 2)
        try $0.directory("empty")
      } _: { (arena: Arena) throws in
        #expect(try size("held/file", arena) == 1)
        #expect(try size("full/file", arena) == 2)
        #expect(try size("empty", arena) == 1)
      }
    }

    @Test func `trees of one mount are merged by name: files stay the same files`() throws {
      try Arena.with(target: .none) { (arena: Arena) throws in
        let root = Planting(directory: arena.source)
        try root.directory("holder", 0o700)
        let tree = try makeDirectory("tree", in: "holder", of: arena.source)
        defer { close(tree) }
        let planted = Planting(directory: tree)
        for planting in [root, planted] {
          try planting.directory("both", 0o751, user: 7)
          try planting.directory("both/deep", 0o700)
        }
        try root.file("both/old", size: 1)
        try planted.file("both/deep/new", size: 3_000_000)
        try planted.hardLink("both/link", to: "both/deep/new")
        try planted.directory("alone", 0o1777)
        try planted.symbolicLink("alone/link", to: "dir/file")
        try planted.node("fifo", S_IFIFO)
        for planting in [root, planted] { try planting.settleTimes() }
        let inode = try Status(of: cName("fifo"), in: tree).inode
        let (before, brought) = (try Snapshot(of: arena.source), try Snapshot(of: tree))

        try merge(tree, into: arena.source)
        #expect(try names(in: tree).isEmpty)
        #expect(try Status(of: cName("fifo"), in: arena.source).inode == inode)
        let after = try Snapshot(of: arena.source)
        let expected = before.paths.filter { !$0.hasPrefix("holder/tree/") }.union(brought.paths)
        #expect(after.paths == expected)
        for path in expected where path != "holder/tree" {
          #expect(after[path] == before[path] ?? brought[path], "\(path)")
        }
      }
    }

    @Test func `a name that both trees have, and that is no directory, ends a merge`() throws {
      try Arena.with(source: .none, target: .none) { (arena: Arena) throws in
        for directory in [arena.source, arena.target] {
          try Planting(directory: directory).file("same", size: 1)
        }
        #expect(throws: Failure.self) { try merge(arena.source, into: arena.target) }
        #expect(try names(in: arena.source).count == 1)
      }
    }
  }
}
