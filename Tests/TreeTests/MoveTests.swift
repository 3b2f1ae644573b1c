// SPDX-License-Identifier: MIT

import CLinux
import Testing
import Tree

/// Plants a tree, moves it, and brings it back: it is the same in either place, and nothing is left
/// in the other.
func expectSameAfterMove(
  source: Arena.FileSystem = .tmpfs("size=50%"), threads: Int? = nil,
  sourceLocation: SourceLocation = #_sourceLocation, _ plant: (Planting) throws -> Void
) throws {
  try Arena.with(source: source) { arena in
    let planting = Planting(directory: arena.source)
    try plant(planting)
    try planting.settleTimes()
    let before = try Snapshot(of: arena.source)
    let mover = try arena.mover(threads: threads)

    try mover.move()
    let moved = try Snapshot(of: arena.target)
    #expect(moved.differences(from: before) == [], sourceLocation: sourceLocation)
    #expect(try names(in: arena.source).isEmpty, sourceLocation: sourceLocation)
    #expect(mover.entries == before.paths.count, sourceLocation: sourceLocation)

    try mover.restore()
    let restored = try Snapshot(of: arena.source)
    #expect(restored.differences(from: before) == [], sourceLocation: sourceLocation)
    #expect(try names(in: arena.target).isEmpty, sourceLocation: sourceLocation)
    #expect(mover.entries == 0, sourceLocation: sourceLocation)
  }
}

/// Plants a tree, and moves it to where it does not fit: the move ends, and all comes back.
///
/// - Returns: what ended it.
@discardableResult
func expectReturn(
  source: Arena.FileSystem = .tmpfs("size=50%"), target: Arena.FileSystem, size: String = "50%",
  threads: Int? = nil, sourceLocation: SourceLocation = #_sourceLocation,
  _ plant: (Planting) throws -> Void
) throws -> Failure {
  try Arena.with(source: source, target: target, size: size) { arena in
    let planting = Planting(directory: arena.source)
    try plant(planting)
    try planting.settleTimes()
    let before = try Snapshot(of: arena.source)
    let mover = try arena.mover(threads: threads)

    let failure = try #require(
      throws: Failure.self, sourceLocation: sourceLocation
    ) { try mover.move() }
    #expect(failure.code == ENOSPC, sourceLocation: sourceLocation)
    #expect(!failure.tearsFile, sourceLocation: sourceLocation)

    try mover.restore()
    let restored = try Snapshot(of: arena.source)
    #expect(restored.differences(from: before) == [], sourceLocation: sourceLocation)
    #expect(try names(in: arena.target).isEmpty, sourceLocation: sourceLocation)
    return failure
  }
}

/// At least one of everything that a tree can hold, files of more than one piece included.
func plantOneOfEach(_ planting: Planting) throws {
  try planting.file("file", size: 5000, 0o640, user: 12, group: 34)
  try planting.file("empty")
  try planting.file("large", size: (1 << 20) + 4321, 0o4755)
  try planting.attribute("security.capability", KernelAttribute.capability, on: "large")
  try planting.directory("directory", 0o1777, user: 5, group: 6)
  try planting.directory("directory/below", 0o2755, group: 77)
  try planting.file("directory/below/file", size: 3, 0o6711, user: 1, group: 2)
  try planting.attribute("trusted.note", content(300), on: "directory/below/file")
  try planting.symbolicLink("directory/link", to: "../file")
  try planting.attribute("trusted.link", [1, 0, 2], on: "directory/link")
  try planting.node("directory/device", S_IFBLK, 7, 300, 0o660, group: 6)
  try planting.node("directory/fifo", S_IFIFO)
  try planting.node("socket", S_IFSOCK)
  try planting.node("whiteout", S_IFCHR, 0, 0)

  try planting.file("several", size: 4096 * 3 + 1, 0o4711, user: 9, group: 9)
  try planting.hardLink("directory/below/several", to: "several")
  try planting.file("several-large", size: (2 << 20) + 7, user: 3, group: 4)
  try planting.attribute("security.capability", KernelAttribute.capability, on: "several-large")
  try planting.hardLink("directory/several-large", to: "several-large")
  try planting.file("several-empty", 0o600)
  try planting.hardLink("directory/several-empty", to: "several-empty")
  try planting.node("several-devices", S_IFCHR, 1, 3, 0o666)
  try planting.hardLink("directory/several-devices", to: "several-devices")
  try planting.symbolicLink("several-links", to: "/nowhere")
  try planting.hardLink("directory/several-links", to: "several-links")

  try planting.directory("lists", 0o2770)
  let (access, inherited) = ("system.posix_acl_access", "system.posix_acl_default")
  try planting.file("lists/plain", size: 10, 0o600)
  try planting.directory("lists/plain-directory", 0o700)
  try planting.node("lists/plain-fifo", S_IFIFO)
  try planting.attribute(inherited, KernelAttribute.accessList, on: "lists")
  try planting.attribute(access, KernelAttribute.accessList, on: "lists/plain")
  try planting.file("lists/unlisted", size: 10, 0o600)
  try check("removexattr", lremovexattr(path("lists/unlisted", in: planting.directory), access))
}

/// Files of `links` names of each kind, in two directories, and in an order of their own in each.
func plantHardLinks(_ planting: Planting, _ links: Int) throws {
  try planting.directory("directory", 0o750, user: 5, group: 6)
  try planting.directory("directory/below")
  try planting.file("small", size: 4096 * 3 + 1, 0o4711, user: 9, group: 9)
  try planting.attribute("trusted.note", content(300), on: "small")
  try planting.file("large", size: (2 << 20) + 7, 0o2755, user: 3, group: 4)
  try planting.attribute("security.capability", KernelAttribute.capability, on: "large")
  try planting.file("empty", 0o600)
  try planting.node("device", S_IFCHR, 1, 3, 0o666)
  try planting.node("fifo", S_IFIFO, 0, 0, 0o620, user: 7)
  try planting.node("socket", S_IFSOCK)
  try planting.symbolicLink("link", to: "/nowhere")
  try planting.attribute("trusted.link", [1, 0, 2], on: "link")

  let names = ["small", "large", "empty", "device", "fifo", "socket", "link"]
  for number in 1..<links {
    let directory = ["directory", "directory/below"][number % 2]
    for name in number % 3 == 0 ? names.reversed() : names {
      try planting.hardLink("\(directory)/\(name)-\(number)", to: name)
    }
  }
}

extension TreeTests {
  @Suite struct `An entry arrives as it was` {
    @Test(
      arguments: [
        0, 1, 4095, 4096, 4097, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 2 << 20, (5 << 20) + 12345,
      ])
    func `a regular file of any size`(size: Int) throws {
      try expectSameAfterMove { try $0.file("file", size: size) }
    }

    @Test func `a directory, empty or not`() throws {
      try expectSameAfterMove {
        try $0.directory("empty", 0o750)
        try $0.directory("full", 0o711)
        try $0.directory("full/below", 0)
        try $0.file("full/below/file", size: 1)
      }
    }

    @Test func `a symbolic link, whatever it points to`() throws {
      try expectSameAfterMove {
        try $0.file("file", size: 9)
        try $0.symbolicLink("relative", to: "file")
        try $0.symbolicLink("dangling", to: "/does/not/exist")
        try $0.symbolicLink("loop", to: "loop")
        try $0.symbolicLink("long", to: String(repeating: "x", count: 4095))
        try check("lchown", fchownat($0.directory, "dangling", 12, 34, AT_SYMLINK_NOFOLLOW))
      }
    }

    @Test func `a device node, and a whiteout, which is device 0 of 0`() throws {
      try expectSameAfterMove {
        try $0.node("null", S_IFCHR, 1, 3, 0o666)
        try $0.node("disk", S_IFBLK, 259, 70_000, 0o660, user: 0, group: 6)
        try $0.node("whiteout", S_IFCHR, 0, 0, 0)
      }
    }

    @Test func `a fifo and a socket`() throws {
      try expectSameAfterMove {
        try $0.node("fifo", S_IFIFO, 0, 0, 0o622, user: 5)
        try $0.node("socket", S_IFSOCK, 0, 0, 0o777, group: 8)
      }
    }

    @Test func `one of each, brought along together`() throws {
      try expectSameAfterMove(plantOneOfEach)
    }

    @Test func `the root directory itself`() throws {
      try expectSameAfterMove {
        try check("fchown", fchown($0.directory, 3, 4))
        try check("fchmod", fchmod($0.directory, 0o1775))
        try $0.attribute("trusted.root", [7], on: ".")
      }
    }

    @Test func `nothing at all`() throws {
      try expectSameAfterMove { _ in }
    }

    @Test(arguments: [1, 2, 4])
    func `by any number of threads`(threads: Int) throws {
      try expectSameAfterMove(threads: threads) {
        try plantOneOfEach($0)
        for number in 0..<20 {
          try $0.directory("\(number)")
          for size in 0..<20 { try $0.file("\(number)/\(size)", size: size * 997) }
          try $0.file("\(number)/large", size: (1 << 20) + number)
        }
      }
    }

    @Test func `from a ramfs, which has neither limits nor holes`() throws {
      try expectSameAfterMove(source: .ramfs) {
        try $0.directory("directory", 0o2755, group: 9)
        try $0.file("directory/file", size: (3 << 20) + 1, 0o6755)
        try $0.hardLink("directory/again", to: "directory/file")
        try $0.symbolicLink("directory/link", to: "file")
        try $0.node("directory/device", S_IFCHR, 1, 3)
      }
    }

    @Test func `also where it has the name of our own directory of hard links`() throws {
      try expectSameAfterMove {
        try $0.directory(".leafroot-links")
        try $0.file(".leafroot-links/file", size: 10)
      }
    }
  }

  @Suite struct `The comparison of two trees` {
    /// What the tests above rest on: two trees that differ in one respect are not the same.
    private func expectDifference(
      _ line: String, sourceLocation: SourceLocation = #_sourceLocation,
      change: (Planting) throws -> Void
    ) throws {
      try Arena.with { arena in
        for root in [arena.source, arena.target] {
          let planting = Planting(directory: root)
          try planting.file("file", size: 10)
          try planting.file("twin", size: 10)
          try planting.hardLink("other", to: "twin")
          try planting.symbolicLink("link", to: "file")
          try planting.settleTimes()
        }
        let before = try Snapshot(of: arena.source)
        let same = try Snapshot(of: arena.target)
        #expect(same.differences(from: before) == [])

        try change(Planting(directory: arena.target))
        let changed = try Snapshot(of: arena.target)
        let lines = changed.differences(from: before)
        #expect(
          lines.contains { $0.hasPrefix(line) }, "\(lines)", sourceLocation: sourceLocation)
      }
    }

    @Test func `sees a changed permission, owner, time and xattr`() throws {
      try expectDifference("/file: mode 104644, not 100644") {
        try check("chmod", fchmodat($0.directory, "file", 0o4644, 0))
      }
      try expectDifference("/link: owner 0:9, not 0:0") {
        try check("chown", fchownat($0.directory, "link", 0, 9, AT_SYMLINK_NOFOLLOW))
      }
      try expectDifference("/link: modified 1000000000 s 1 ns") {
        let time = timespec(tv_sec: 1_000_000_000, tv_nsec: 1)
        try check("utime", utimensat($0.directory, "link", [time, time], AT_SYMLINK_NOFOLLOW))
      }
      try expectDifference("/file: trusted.x") { try $0.attribute("trusted.x", [1], on: "file") }
    }

    @Test func `sees a changed byte, name and link`() throws {
      try expectDifference("/file: content") {
        let file = try openDescriptor("file", O_WRONLY, in: $0.directory)
        defer { close(file) }
        try check("pwrite", pwrite(file, "x", 1, 9))
      }
      try expectDifference("/new: not expected") { try $0.file("new") }
      try expectDifference("/file: missing") {
        try check("unlink", unlinkat($0.directory, "file", 0))
      }
      try expectDifference("/twin: same as twin, not other") {
        try check("unlink", unlinkat($0.directory, "twin", 0))
        try $0.file("twin", size: 10)
      }
      try expectDifference("/link: target twin, not file") {
        try check("unlink", unlinkat($0.directory, "link", 0))
        try $0.symbolicLink("link", to: "twin")
      }
    }
  }
}
