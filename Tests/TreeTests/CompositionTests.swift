// SPDX-License-Identifier: MIT

import CLinux
import Testing

@testable import Tree

extension TreeTests {
  /// The source is what the kernel has unpacked around a payload, the target the tree that arises.
  @Suite struct CompositionTests {
    /// Makes entries before, between and after a payload's files, and unpacks its tree.
    private func compose(
      hasAllDirectories: Bool = false, isWhole: Bool = true,
      before: (Planting) throws -> Void = { _ in }, skeleton: (Planting) throws -> Void = { _ in },
      after: (Planting) throws -> Void = { _ in }, prepared: (Arena) throws -> Void = { _ in },
      tree: (Planting) throws -> Void, _ check: (Arena) throws -> Void
    ) throws {
      try Arena.with { arena in
        let rest = Planting(directory: arena.source)
        try before(rest)
        tick()
        try rest.directory("payload", 0o700)
        try rest.file("payload/start")
        try skeleton(rest)
        tick()
        try rest.file("payload/about")
        let period = try copyPeriod(of: ["payload/start", "payload/about"], in: arena.source)
        tick()
        try after(rest)

        var composition = try Composition(
          of: arena.source, Status(of: arena.source), in: arena.target, besides: "payload")
        try composition.prepare(
          period, hasAllDirectories: hasAllDirectories, isWhole: isWhole)
        try prepared(arena)
        try tree(Planting(directory: arena.target))
        try remove(cName("payload"), in: arena.source)
        try composition.finish()
        #expect(try names(in: arena.source).isEmpty)
        try check(arena)
      }
    }

    /// Longer than one of the kernel's clock.
    private func tick() { usleep(20_000) }

    private func copyPeriod(of names: [String], in directory: Int32) throws -> CopyPeriod {
      var period = CopyPeriod()
      for name in names { period.add(try Status(of: Array(name.utf8CString), in: directory)) }
      return period
    }

    private func status(_ name: String, _ arena: Arena) throws -> Status {
      try Status(of: Array(name.utf8CString), in: arena.target)
    }

    private func size(_ name: String, _ arena: Arena) throws -> Int { try status(name, arena).size }

    /// As the kernel writes to a file that is there.
    private func overwrite(_ name: String, size: Int, in directory: Int32) throws {
      let file = try check(
        "open", linux_openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC, 0o644))
      defer { close(file) }
      try check("ftruncate", ftruncate(file, off_t(size)))
    }

    @Test func `of two files the one stays that came last`() throws {
      try compose {
        try $0.file("early", size: 1)
        try $0.file("only", size: 5)
      } after: {
        try $0.file("late", size: 1)
        try $0.file("alone", size: 4)
      } tree: {
        try overwrite("early", size: 2, in: $0.directory)
        try $0.file("late", size: 3)
      } _: { (arena: Arena) throws in
        #expect(try size("early", arena) == 2)
        #expect(try size("only", arena) == 5)
        #expect(try size("late", arena) == 1)
        #expect(try size("alone", arena) == 4)
      }
    }

    @Test func `a file of an early image that a late one has overwritten is a late one`() throws {
      try compose {
        try $0.file("file", size: 1)
      } after: {
        try overwrite("file", size: 3, in: $0.directory)
      } tree: {
        try $0.file("file", size: 2)
      } _: { (arena: Arena) throws in
        #expect(try size("file", arena) == 3)
      }
    }

    @Test func `what an early image has linked is one file for the payload`() throws {
      try compose {
        try $0.file("one", size: 1)
        try $0.hardLink("other", to: "one")
      } tree: {
        try overwrite("one", size: 2, in: $0.directory)
      } _: { (arena: Arena) throws in
        #expect(try size("other", arena) == 2)
        #expect(try status("one", arena).inode == status("other", arena).inode)
      }
    }

    @Test func `a late image writes to all names of a file of the payload`() throws {
      try compose { _ in
      } after: {
        try $0.file("one", size: 3, 0o600, user: 7)
      } tree: {
        try $0.file("one", size: 2)
        try $0.hardLink("other", to: "one")
      } _: { (arena: Arena) throws in
        let other = try status("other", arena)
        #expect(other.size == 3)
        #expect(other.permissions == 0o600)
        #expect(other.user == 7)
        #expect(try status("one", arena).inode == other.inode)
      }
    }

    @Test func `a device keeps its number, and gets the metadata of the late image`() throws {
      try compose { _ in
      } after: {
        try $0.node("device", S_IFCHR, 1, 5, 0o640, user: 7)
      } tree: {
        try $0.node("device", S_IFCHR, 1, 3, 0o600)
      } _: { (arena: Arena) throws in
        let device = try status("device", arena)
        #expect(device.deviceNode == linux_makedev(1, 3))
        #expect(device.permissions == 0o640)
        #expect(device.user == 7)
      }
    }

    @Test func `a symbolic link of the late image takes the place of any file`() throws {
      try compose { _ in
      } after: {
        for name in ["file", "device", "link"] { try $0.symbolicLink(name, to: "late") }
      } tree: {
        try $0.file("file", size: 2)
        try $0.node("device", S_IFCHR, 1, 3)
        try $0.symbolicLink("link", to: "early")
      } _: { (arena: Arena) throws in
        for name in ["file", "device", "link"] {
          let link = try status(name, arena)
          #expect(link.isSymbolicLink)
          #expect(link.size == 4)
        }
      }
    }

    @Test func `a directory keeps the time that it had before a payload`() throws {
      try compose {
        try $0.directory("early", 0o711)
        try $0.directory("early/deeper", 0o711)
        // The kernel makes it before all images.
        try $0.directory("dev", 0o755)
        try $0.settleTimes()
      } tree: {
        try check("mkdirat", mkdirat($0.directory, "new", 0o755))
        for name in ["early", "early/deeper", "dev", "new"] { try $0.file("\(name)/file") }
      } _: { (arena: Arena) throws in
        // Planting's times, which no other entry has.
        for (name, isKept) in [
          ("early", true), ("early/deeper", true), ("dev", false), ("new", false),
        ] {
          let time = try status(name, arena).times.1.tv_sec
          #expect((1_000_000_000..<1_000_000_010).contains(time) == isKept, "\(name) \(time)")
        }
      }
    }

    @Test func `directories become one, with the later metadata and the earlier times`() throws {
      try compose {
        try $0.directory("early", 0o711, user: 3)
        try $0.file("early/kept", size: 1)
        try $0.settleTimes()
      } after: {
        try $0.directory("late", 0o750, user: 4, group: 5)
        try $0.file("late/new", size: 2)
      } tree: {
        // It is there already.
        try check("fchmodat", fchmodat($0.directory, "early", 0o755, 0))
        try $0.directory("late", 0o755)
        try $0.file("late/old", size: 3)
        try $0.settleTimes()
      } _: { (arena: Arena) throws in
        let early = try status("early", arena)
        let late = try status("late", arena)
        #expect(early.permissions == 0o755)
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
      try compose(hasAllDirectories: true) {
        try $0.directory("early", 0o711, user: 3)
      } tree: {
        try check("fchmodat", fchmodat($0.directory, "early", 0o755, 0))
      } _: { (arena: Arena) throws in
        let early = try status("early", arena)
        #expect(early.permissions == 0o711)
        #expect(early.user == 3)
      }
    }

    /// What an image has of directories, and of links to them.
    private func twoDirectories(_ planting: Planting) throws {
      for name in ["usr", "usr/lib"] { try planting.directory(name, 0o750, user: 3) }
      try planting.symbolicLink("lib", to: "usr/lib")
      let times = [timespec](repeating: timespec(tv_sec: 1234, tv_nsec: 0), count: 2)
      for name in ["usr/lib", "usr"] {
        try check("utimensat", utimensat(planting.directory, name, times, 0))
      }
    }

    @Test func `what the payload has as well does not move before it`() throws {
      try compose(hasAllDirectories: true) {
        try $0.directory("early")
      } skeleton: {
        try twoDirectories($0)
      } prepared: { (arena: Arena) throws in
        #expect(try names(in: arena.target) == [Array("early".utf8)])
        #expect(try names(in: arena.source).count == 4)
      } tree: {
        try twoDirectories($0)
        try $0.attribute("user.payload", [1], on: "usr")
        try $0.attribute("trusted.payload", [2], on: "lib")
        try $0.file("usr/lib/file", size: 1)
      } _: { (arena: Arena) throws in
        for name in ["usr", "usr/lib"] {
          let directory = try status(name, arena)
          #expect(directory.permissions == 0o750)
          #expect(directory.user == 3)
          #expect(directory.modified == 1234)
        }
        #expect(try size("usr/lib/file", arena) == 1)
        // The payload's own link.
        var value: UInt8 = 0
        #expect(lgetxattr(path("lib", in: arena.target), "trusted.payload", &value, 1) == 1)
        #expect(value == 2)
      }
    }

    @Test func `twin: it moves if the payload may end early, or lacks it`() throws {
      for (hasAllDirectories, isWhole) in [(true, false), (false, true)] {
        try compose(hasAllDirectories: hasAllDirectories, isWhole: isWhole) { _ in
        } skeleton: {
          try twoDirectories($0)
        } prepared: { (arena: Arena) throws in
          #expect(try names(in: arena.target).count == 2)
        } tree: { _ in
        } _: { (arena: Arena) throws in
          #expect(try status("usr/lib", arena).permissions == 0o750)
          #expect(try status("lib", arena).isSymbolicLink)
        }
      }
    }

    @Test func `a late image changes what did not move`() throws {
      try compose(hasAllDirectories: true) { _ in
      } skeleton: {
        try twoDirectories($0)
      } after: {
        try $0.file("usr/lib/late", size: 4)
        try check("fchmodat", fchmodat($0.directory, "usr", 0o711, 0))
        try check("unlinkat", unlinkat($0.directory, "lib", 0))
        try $0.symbolicLink("lib", to: "late")
      } tree: {
        try twoDirectories($0)
        try $0.file("usr/lib/late", size: 2)
        try $0.file("usr/lib/file", size: 1)
      } _: { (arena: Arena) throws in
        #expect(try size("usr/lib/late", arena) == 4)
        #expect(try size("usr/lib/file", arena) == 1)
        #expect(try status("usr", arena).permissions == 0o711)
        #expect(try size("lib", arena) == 4)
      }
    }

    @Test func `directories that agree are left alone`() throws {
      var changed: [String: Moment] = [:]
      try compose(hasAllDirectories: true) { _ in
      } skeleton: {
        try twoDirectories($0)
      } tree: {
        try twoDirectories($0)
        for name in ["usr", "usr/lib"] {
          changed[name] = try Status(of: Array(name.utf8CString), in: $0.directory).changed
        }
        tick()
      } _: { (arena: Arena) throws in
        for (name, time) in changed { #expect(try status(name, arena).changed == time) }
        #expect(changed.count == 2)
      }
    }

    @Test func `a directory that is not empty stays where another type would take its place`()
      throws
    {
      try compose {
        try $0.directory("gone")
      } after: {
        try $0.file("full", size: 1)
        try $0.file("empty", size: 1)
        try $0.node("owned", S_IFIFO, 0, 0, 0o640, user: 7)
      } tree: {
        try check("rmdir", unlinkat($0.directory, "gone", AT_REMOVEDIR))
        try $0.file("gone", size: 2)
        try $0.directory("full")
        try $0.file("full/file", size: 2)
        try $0.directory("empty")
        try $0.directory("owned")
        try $0.file("owned/file", size: 2)
      } _: { (arena: Arena) throws in
        #expect(try size("gone", arena) == 2)
        #expect(try size("full/file", arena) == 2)
        #expect(try size("empty", arena) == 1)
        let owned = try status("owned", arena)
        #expect(owned.isDirectory)
        #expect(owned.permissions == 0o640)
        #expect(owned.user == 7)
      }
    }

    /// Composes with a tmpfs on the directory `part` of the tree, which is mounted by the payload.
    private func composePart(
      hasAllDirectories: Bool = true, part: (Planting) throws -> Void = { _ in },
      after: (Planting) throws -> Void, _ verify: (Arena) throws -> Void
    ) throws {
      try Arena.with { arena in
        let rest = Planting(directory: arena.source)
        try rest.directory("part")
        try rest.directory("payload", 0o700)
        try rest.file("payload/about")
        let first = try copyPeriod(of: ["payload/about"], in: arena.source)
        tick()
        try after(rest)
        tick()
        try rest.file("payload/last")
        let second = try copyPeriod(of: ["payload/last"], in: arena.source)

        var composition = try Composition(
          of: arena.source, Status(of: arena.source), in: arena.target, besides: "payload")
        try composition.prepare(first, hasAllDirectories: hasAllDirectories, isWhole: true)
        try Arena.mount("tmpfs", on: path("part", in: arena.target), "mode=755,size=1m")
        let root = try openDescriptor("part", in: arena.target)
        try part(Planting(directory: root))
        composition.add(TreePart(path: Array("part".utf8), root: root))
        try composition.prepare(second, hasAllDirectories: hasAllDirectories, isWhole: true)
        try remove(cName("payload"), in: arena.source)
        try composition.finish()
        #expect(try names(in: arena.source).isEmpty)
        try verify(arena)
      }
    }

    @Test func `what belongs into a file system of the tree moves there, with its hard links`()
      throws
    {
      try composePart {
        try $0.file("old", size: 1)
      } after: {
        try $0.directory("part/directory", 0o711)
        try $0.file("part/directory/one", size: 2)
        for name in ["two", "directory/three"] {
          try $0.hardLink("part/\(name)", to: "part/directory/one")
        }
        try $0.file("outside", size: 3)
        try $0.hardLink("linked", to: "outside")
      } _: { (arena: Arena) throws in
        let three = try status("part/directory/three", arena)
        #expect((three.size, three.links) == (2, 3))
        #expect(try status("part/two", arena).inode == three.inode)
        #expect(try !status("part/two", arena).isBeside(status("outside", arena)))
        #expect(try status("part/directory", arena).permissions == 0o711)
        #expect(try size("part/old", arena) == 1)
        #expect(try status("linked", arena).links == 2)
      }
    }

    @Test func `a hard link out of a file system of the tree is a failure that names it`()
      throws
    {
      let failure = #expect(throws: Failure.self) {
        try composePart {
          try $0.file("part/inside", size: 2)
          try $0.hardLink("outside", to: "part/inside")
        } _: { (arena: Arena) throws in
        }
      }
      #expect(failure?.code == EXDEV)
      #expect(failure?.name == Array("part".utf8))
    }

    @Test func `directories of a file system of the tree keep the times that they had`() throws {
      try composePart(hasAllDirectories: false) {
        try $0.directory("kept")
        try $0.settleTimes()
      } after: {
        try $0.directory("part/kept")
        try $0.file("part/kept/file", size: 1)
        try $0.file("part/file", size: 1)
      } _: { (arena: Arena) throws in
        // Planting's times, which no other entry has.
        for name in ["part", "part/kept"] {
          #expect((1_000_000_000..<1_000_000_010).contains(try status(name, arena).modified))
        }
      }
    }

    @Test(arguments: [
      ("usr", true), ("usr/lib", true), ("us", false), ("usr2", false), ("opt", true),
      ("opt/vendor/x", true), ("opt/vendor2", false), ("etc", false),
    ])
    func `no second file system lies in one of the tree, or holds it`(
      path: String, overlaps: Bool
    ) {
      let parts = ["usr", "opt/vendor"].map { TreePart(path: Array($0.utf8), root: -1) }
      #expect(parts.contains { $0.overlaps(Array(path.utf8)) } == overlaps)
    }

    @Test func `a mount stays where it is until all is unpacked`() throws {
      try Arena.with { arena in
        let rest = Planting(directory: arena.source)
        try rest.directory("mounted")
        try check(
          "mount", mount("tmpfs", path("mounted", in: arena.source), "tmpfs", 0, nil))
        try Planting(directory: arena.source).file("mounted/inside", size: 1)
        try rest.directory("payload", 0o700)
        var period = CopyPeriod()
        period.add(try Status(of: cName("payload"), in: arena.source))

        var composition = try Composition(
          of: arena.source, Status(of: arena.source), in: arena.target, besides: "payload")
        try composition.prepare(period, hasAllDirectories: true, isWhole: true)
        #expect(try names(in: arena.target).isEmpty)
        try remove(cName("payload"), in: arena.source)
        try composition.finish()
        #expect(try size("mounted/inside", arena) == 1)
      }
    }
  }
}
