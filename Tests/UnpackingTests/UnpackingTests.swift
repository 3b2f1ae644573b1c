// SPDX-License-Identifier: MIT

import CLinux
import Files
import Foundation
import Images
import Initramfs
import OddImages
import Samples
import SystemPackage
import TestSupport
import Testing
import Unpacking

/// What the oracle cannot see: that nothing leaves the directory, and what becomes of it.
@Suite struct UnpackingTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  private var tree: FilePath { directory.path.appending("tree") }

  @discardableResult
  private func unpack(
    _ records: [OddRecord], isPrivileged: Bool = geteuid() == 0
  ) throws -> DirectoryUnpacker.Summary {
    var unpacker = DirectoryUnpacker()
    unpacker.isPrivileged = isPrivileged
    return try OutputDirectory(tree).fill(from: Bytes(archive(records)), by: unpacker)
  }

  private func content(_ path: String) throws -> String {
    String(decoding: try directory.bytes("tree/" + path), as: UTF8.self)
  }

  @Test(arguments: [
    "../escaped", "/escaped", "d/../../escaped", "../../../../../../escaped", "up/escaped",
    "up/../escaped", "top/escaped", "d/up/escaped", "away/escaped", "chain/escaped",
  ])
  func `no name and no symbolic link leads out of the directory`(name: String) throws {
    try FileManager.default.createDirectory(
      atPath: directory.path.string + "/away", withIntermediateDirectories: false)
    let before = try directory.names + ["tree"]

    try unpack([
      .directory("d"), .link("up", to: ".."), .link("top", to: "/"), .link("d/up", to: "../.."),
      .link("away", to: directory.path.string + "/away"), .link("chain", to: "up/top/up"),
      .file(name, "inside"), .directory(name + "-d"), .link(name + "-l", to: "x"),
      .node(name + "-p", 0o010600, (0, 0)),
    ])

    #expect(try directory.names == before.sorted())
    #expect(
      try FileManager.default.contentsOfDirectory(
        atPath: directory.path.string + "/away"
      ).isEmpty)
    #expect(access("/escaped", F_OK) != 0)
    if name != "away/escaped" { #expect(try content("escaped") == "inside") }
  }

  @Test func `a file of the host behind a symbolic link is neither written nor given away`() throws
  {
    let outside = try directory.file("outside", Array("host".utf8), permissions: 0o600)
    func status() throws -> [Int] {
      var status = stat()
      try #require(lstat(outside.string, &status) == 0)
      return [
        Int(status.st_uid), Int(status.st_gid), Int(status.st_mode), status.st_size,
        status.st_mtim.tv_sec, Int(status.st_nlink),
      ]
    }
    let before = try status()
    let records: [OddRecord] = [
      .link("l", to: outside.string), .file("l", "mine", 0o777),
      .link("m", to: outside.string), .directory("m/", 0o777),
      .link("n", to: "../outside"), .node("n", 0o010666, (0, 0)),
      .link("o", to: outside.string).linked(7), .file("p", "first").linked(8),
      .link("p", to: outside.string), .file("q", "second", 0o777).linked(8),
      .link("r", to: outside.string), .node("r", 0o020666, (1, 3)),
    ]
    try unpack(records.map { $0.with { ($0.user, $0.group, $0.time) = (12, 34, 56) } })
    #expect(try directory.bytes("outside") == Array("host".utf8))
    #expect(try status() == before)
    // The links themselves are given away.
    guard geteuid() == 0 else { return }
    var link = stat()
    try #require(lstat(tree.appending("o").string, &link) == 0)
    #expect((link.st_uid, link.st_gid) == (12, 34))
  }

  @Test func `a directory with something in it is refused, an empty one is filled`() throws {
    try FileManager.default.createDirectory(
      atPath: tree.string, withIntermediateDirectories: false)
    #expect(try unpack([.file("x", "1")]).entries == 1)
    #expect(throws: FileError.self) { try unpack([.file("y", "2")]) }
    #expect(try directory.names == ["tree"])
    #expect(try content("x") == "1")
  }

  @Test func `a directory that cannot be made is named`() throws {
    let path = directory.path.appending("none/tree")
    let error = #expect(throws: FileError.self) {
      try OutputDirectory(path).fill(from: Bytes(archive([])))
    }
    #expect(error?.path == path)
    #expect(error?.description == "cannot create directory \(path): no such file or directory")
  }

  @Test func `a new directory gets the usual permissions, or those of the image's own root`() throws
  {
    try FileManager.default.createDirectory(
      atPath: directory.path.string + "/usual", withIntermediateDirectories: false)
    try unpack([.file("x")])
    #expect(try directory.permissions("tree") == directory.permissions("usual"))
    try FileManager.default.removeItem(atPath: tree.string)
    try unpack([.directory(".", 0o711), .file("x")])
    #expect(try directory.permissions("tree") == 0o711)
  }

  @Test(.serialized, arguments: [nil, ".", "./", "/", "d/..", "up/"])
  func `nobody is let in until all is there, whatever the image says of its root`(
    root: String?
  ) throws {
    var records: [OddRecord] = [
      .directory("d", 0o711).with { $0.time = 77 }, .link("up", to: "/"),
    ]
    if let root {
      // The kernel changes what it cannot replace, too.
      records += [OddRecord.node(root, 0o010777, (0, 0)), .directory(root, 0o755)].map {
        $0.with { ($0.user, $0.group) = (12, 34) }
      }
    }
    // Their times come at the end, the last one's first.
    records += (0..<400).map { .directory("d/\($0)") }
    try FileManager.default.createDirectory(
      atPath: tree.string, withIntermediateDirectories: false,
      attributes: [.posixPermissions: 0o750])

    let watch = Watch(tree)
    try unpack(records)
    #expect(watch.seen() == 77)
    #expect(try directory.permissions("tree") == (root == nil ? 0o750 : 0o755))
    var status = stat()
    stat(tree.string, &status)
    #expect(status.st_uid == (root == nil || geteuid() != 0 ? geteuid() : 12))
  }

  @Test func `unpack keeps everything before a fault, and reports the fault`() throws {
    let summary = try unpack([
      .file("before", "whole"), .file("broken", "summed").summed.with { $0.check += 1 },
      .file("after", "never"),
    ])
    #expect(summary.image.refusal?.kernelMessage == "bad data checksum")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: tree.string).sorted()
        == ["before", "broken"])
  }

  @Test func `unpack reports an image that is cut short, and its last file has its size`() throws {
    let bytes = archive([.file("x", "0123456789")], trailer: false).dropLast(8)
    let summary = try OutputDirectory(tree).fill(from: Bytes(Array(bytes)))
    #expect(summary.image.isCutShort)
    #expect(summary.image.refusal == nil)
    #expect(try directory.bytes("tree/x").count == 10)
  }

  /// In a directory with setgid bit, new entries get its group, and directories its bit.
  @Test(.enabled(if: Privilege.mayRun, "gives owners: needs root"))
  func `a new entry is as its record says, whatever its directory and the umask say`() throws {
    let owned: [(record: OddRecord, user: UInt32, group: UInt32)] = [
      (.directory("d", 0o2775), 0, 7), (.file("d/f", "x", 0o666), 0, 0),
      (.file("d/empty", "", 0o400), 0, 7), (.file("d/s", "setuid", 0o6755), 5, 0),
      (.directory("d/e", 0o777), 0, 0), (.directory("d/g", 0o7700), 5, 6),
      (.link("d/l", to: "f"), 0, 0), (.file("d/e/f", "x", 0o1644), 8, 9),
    ]
    // The second time, all of them are there.
    for count in 1...2 {
      let records = owned.map { entry in
        entry.record.with { ($0.user, $0.group) = (entry.user, entry.group) }
      }
      try unpack((0..<count).flatMap { _ in records })
      for (record, user, group) in owned {
        let name = String(decoding: record.name, as: UTF8.self)
        var status = stat()
        try #require(lstat(tree.appending(name).string, &status) == 0)
        #expect(status.st_mode == record.mode, "\(name)")
        #expect((status.st_uid, status.st_gid) == (user, group), "\(name)")
        #expect(status.st_size == record.data.count || status.st_mode & S_IFMT == S_IFDIR)
      }
      try FileManager.default.removeItem(atPath: tree.string)
    }
  }

  /// Where nothing has changed, the owner of a file that has just been made tells that of the next.
  @Test(.enabled(if: Privilege.mayRun, "gives owners: needs root"))
  func `a directory that changes between two files changes neither`() throws {
    let inherits = OddRecord.directory("d", 0o2775).with { $0.group = 7 }
    let records: [OddRecord] = [
      .directory("d"), .file("d/1"), .file("d/2"), inherits, .file("d/3"), .file("d/4"),
      .directory("d"), .file("d/5", "", 0o600), .file("d/6", "", 0o666), .file("d/7", "", 0o4600),
      .file("d/8").with { $0.user = 5 }, .file("d/9"),
    ]
    try unpack(records)
    for record in records where record.mode & 0o170000 == 0o100000 {
      let name = String(decoding: record.name, as: UTF8.self)
      var status = stat()
      try #require(lstat(tree.appending(name).string, &status) == 0)
      #expect(status.st_mode == record.mode, "\(name)")
      #expect((status.st_uid, status.st_gid) == (record.user, 0), "\(name)")
    }
  }

  /// More directories than stay open.
  @Test func `a name is found again after many new directories`() throws {
    let others = (0..<40).map { "other\($0)" }
    try unpack(
      [.directory("d"), .link("d/x", to: "first")]
        + others.flatMap { [.directory($0), .file("\($0)/file", "content")] }
        + [.link("d/x", to: "second")])

    let path = tree.string + "/d/x"
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path) == "second")
    for other in others {
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(tree)/\(other)") == ["file"])
    }
  }

  @Test func `a fifo or a device of the same type keeps its number, and is no loss`() throws {
    let summary = try unpack([
      .node("p", 0o010644, (0, 0)), .node("p", 0o010600, (0, 0)),
      .node("s", 0o140644, (0, 0)), .node("s", 0o140600, (0, 0)),
    ])
    #expect(summary.lostCount == 0, "\(summary.lost)")
    #expect(try directory.permissions("tree/p") == 0o600)
    #expect(try directory.permissions("tree/s") == 0o600)
  }

  @Test(.enabled(if: Privilege.mayRun, "needs root"))
  func `nothing is written to a device that a name has become another one of`() throws {
    let summary = try unpack([
      .file("x", "first").linked(7), .node("x", 0o020644, (1, 7)), .file("y", "second").linked(7),
    ])
    // /dev/full gives ENOSPC, which would end the unpacking.
    #expect(summary.lost.map(\.text) == ["hard link to a name that is no longer a regular file"])
  }

  @Test func `the image relies on the kernel's own directories, which stay if it uses them`() throws
  {
    try unpack([
      .directory(".").with { $0.time = 5 }, .link("up", to: "/"), .file("up/root/x", "in root"),
      .directory("dev").with { $0.time = 6 },
    ])
    #expect(try content("root/x") == "in root")
    #expect(try directory.permissions("tree/root") == 0o700)
    // The console was made there, and removed.
    for (path, seconds) in [("", 5.0), ("/dev", 6)] {
      let attributes = try FileManager.default.attributesOfItem(atPath: tree.string + path)
      #expect((attributes[.modificationDate] as? Date)?.timeIntervalSince1970 == seconds, "\(path)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: tree.string + "/dev").isEmpty)
  }

  @Test func `of the kernel's own files, nothing stays that the image does not use`() throws {
    try unpack([.directory("root/d"), .file("root", "no"), .link("l", to: "dev")])
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: tree.string).sorted() == ["l", "root"])
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: tree.string + "/root") == ["d"])
  }

  @Test(arguments: [true, false])
  func `nothing takes the place of /dev, which has the console`(isPrivileged: Bool) throws {
    let summary = try unpack(
      [.file("dev", "no"), .link("dev", to: ".."), .file("dev/x", "in dev")],
      isPrivileged: isPrivileged)
    #expect(summary.lost.map(\.path) == [Array("dev".utf8), Array("dev".utf8)])
    #expect(try content("dev/x") == "in dev")
    #expect(try FileManager.default.contentsOfDirectory(atPath: tree.string + "/dev") == ["x"])
  }

  @Test func `what the kernel loses is counted and reported`() throws {
    let summary = try unpack((0..<20).map { .file("no/\($0)") } + [.file("there")])
    #expect(summary.lostCount == 20)
    #expect(summary.lost.count == 8)
    #expect(summary.lost[0].text == "parent directory does not exist yet")
  }

  @Test func `an ordinary user gets closed directories filled, but no setuid and no owner`() throws
  {
    let summary = try unpack(
      [
        .directory("closed", 0o500).with { $0.time = 77 }, .file("closed/x", "1", 0o4755),
        .directory("shut", 0), .directory("shut/in", 0), .file("shut/in/y", "2", 0),
        .directory("again", 0), .directory("again", 0o755),
        .file("x", "first", 0o400).linked(3), .file("y", "second", 0o400).linked(3),
        .file("closed/x", "2", 0o2755).with { $0.user = 7 },
      ], isPrivileged: false)
    #expect(summary.lostCount == 0)
    #expect(try directory.permissions("tree/closed") == 0o500)
    #expect(try directory.permissions("tree/closed/x") == 0o755)
    #expect(try directory.permissions("tree/shut") == 0)
    #expect(try directory.permissions("tree/again") == 0o755)
    #expect(try content("x") == "second")
    let attributes = try FileManager.default.attributesOfItem(
      atPath: tree.string + "/closed")
    #expect((attributes[.modificationDate] as? Date)?.timeIntervalSince1970 == 77)
  }

  @Test func `a cancelled unpacking leaves nothing behind`() async throws {
    let content = String(repeating: "x", count: 100_000)
    let image = try directory.file("image", archive((0..<300).map { .file("f\($0)", content) }))
    let tree = tree
    let task = Task {
      // The reader looks for this between two pieces.
      withUnsafeCurrentTask { $0?.cancel() }
      return try OutputDirectory(tree).fill(from: ImageSequence(InputFile(image)))
    }
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(try directory.names == ["image"])
  }

  @Test(.enabled(if: Privilege.mayRun, "this test mounts: needs root"))
  func `a full file system is an error, and the directory is as it was`() throws {
    try FileManager.default.createDirectory(atPath: tree.string, withIntermediateDirectories: false)
    try #require(mount("tmpfs", tree.string, "tmpfs", 0, "size=1m") == 0)
    defer { umount2(tree.string, 2) }
    let error = #expect(throws: FileError.self) {
      try unpack([.file("x", "small"), .file("y", String(repeating: "y", count: 3 << 20))])
    }
    #expect(error?.description == "cannot write \(tree)/y: no space left on device")
    #expect(try FileManager.default.contentsOfDirectory(atPath: tree.string).isEmpty)
  }
}

/// Waits on a thread of its own until others are let into a tree, and looks at the time of its
/// directory `d` then.
private final class Watch: @unchecked Sendable {
  private let group = DispatchGroup()
  private var seconds = 0

  init(_ tree: FilePath) {
    let (root, inside) = (tree.string, tree.appending("d").string)
    DispatchQueue(label: "watch").async(group: group) { [self] in
      var status = stat()
      // An empty directory is open.
      while stat(inside, &status) != 0 {}
      repeat { stat(root, &status) } while status.st_mode & 0o077 == 0 && status.st_uid == geteuid()
      stat(inside, &status)
      seconds = status.st_mtim.tv_sec
    }
  }

  func seen() -> Int {
    group.wait()
    return seconds
  }
}
