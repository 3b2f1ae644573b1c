// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Foundation
import OddImages
import SystemPackage
import TestSupport
import Testing
import Tree
import Unpacking

/// The payload of a packed image, unpacked from one directory into another.
@Suite(.enabled(if: Privilege.mayRun, "gives owners: needs root"))
struct PayloadTests {
  private let source: TemporaryDirectory
  private let target: TemporaryDirectory

  init() throws {
    source = try TemporaryDirectory(below: "/dev/shm")
    target = try TemporaryDirectory(below: "/dev/shm")
  }

  private func withDirectories<Result>(_ body: (Int32, Int32) throws -> Result) throws -> Result {
    let one = try FileDescriptor.open(source.path, .readOnly, options: .directory)
    return try one.closeAfter {
      let other = try FileDescriptor.open(target.path, .readOnly, options: .directory)
      return try other.closeAfter { try body(one.rawValue, other.rawValue) }
    }
  }

  /// Puts the files there, and unpacks them.
  /// - Returns: the payload, and what went wrong.
  private func unpack(
    _ files: [[UInt8]], _ change: (inout Payload.Plan) -> Void = { _ in }
  ) throws -> (payload: Payload, failure: PayloadFailure?) {
    for (number, file) in files.enumerated() { try source.file("000\(number)", file) }
    var plan = Payload.Plan()
    change(&plan)
    return try withDirectories { directory, root in
      let payload = try #require(try Payload(in: directory))
      do throws(PayloadFailure) {
        try payload.unpack(into: root, plan)
        return (payload, nil)
      } catch { return (payload, error) }
    }
  }

  private func attributes(_ name: String) throws -> stat {
    var status = stat()
    try #require(lstat(target.path.appending(name).string, &status) == 0, "\(name)")
    return status
  }

  /// What pack makes: all that has no content; files that do not depend on each other.
  private let members = [
    archive([
      .directory("d", 0o751).with { ($0.time, $0.user) = (111, 5) }, .link("l", to: "d/1"),
    ]),
    archive([
      .file("d/1", "one", 0o4755).with { ($0.time, $0.user, $0.group) = (222, 6, 7) },
      .file("d/2").linked(9), .file("d/3", "linked").linked(9),
    ]),
    archive([.file("d/4", "four"), .file("d/5").linked(9), .file("d/6", "others").linked(9)]),
  ]

  /// In the place of a record.
  private let junk = Array("070707".utf8) + zeros(110)

  @Test(arguments: [1, 2, 4])
  func `the members together are the tree, and none of them remains`(threads: Int) throws {
    let (payload, failure) = try unpack(members) { ($0.members, $0.threads) = (3, threads) }

    #expect(failure == nil, "\(failure as Any)")
    #expect((payload.entries, payload.bytes) == (8, 19))
    #expect(payload.refusal == nil)
    #expect(try source.names == [])
    #expect(try target.names == ["d", "l"])
    #expect(try target.names(in: "d") == ["1", "2", "3", "4", "5", "6"])
    let (directory, file) = (try attributes("d"), try attributes("d/1"))
    // Other members have made files in it.
    #expect(directory.st_mtim.tv_sec == 111)
    #expect((directory.st_uid, directory.st_mode & 0o7777) == (5, 0o751))
    #expect((file.st_uid, file.st_gid, file.st_mode & 0o7777) == (6, 7, 0o4755))
    #expect(file.st_mtim.tv_sec == 222)
    // Of the same number in two archives.
    #expect(try attributes("d/2").st_ino == attributes("d/3").st_ino)
    #expect(try attributes("d/5").st_ino == attributes("d/6").st_ino)
    #expect(try attributes("d/3").st_ino != attributes("d/5").st_ino)
    #expect(try target.bytes("d/2") == Array("linked".utf8))
    #expect(try target.bytes("d/5") == Array("others".utf8))
  }

  @Test func `files of no number are no members, and ten thousand follow on four digits`() throws {
    for name in ["about", "xattrs", "000", "00x1", "0000.old", "-001", "+0001"] {
      try source.file(name, Array("no image".utf8))
    }
    try FileManager.default.createDirectory(
      atPath: source.path.appending("0001").string, withIntermediateDirectories: false)
    try source.file("10000", archive([.file("x", "last", 0o600)]))
    try source.file("9999", archive([.file("x", "earlier", 0o644)]))
    let (payload, failure) = try unpack([archive([.file("x", "first")])])

    #expect(failure == nil, "\(failure as Any)")
    #expect(payload.count == 3)
    #expect(try target.names == ["x"])
    #expect(try target.bytes("x") == Array("last".utf8))
    #expect(
      try source.names == ["+0001", "-001", "000", "0000.old", "0001", "00x1", "about", "xattrs"])
  }

  @Test func `a directory without members has no payload`() throws {
    try source.file("about", [])
    let payload = try withDirectories { directory, _ in try Payload(in: directory) }
    #expect(payload == nil)
  }

  @Test func `its size and last inode are those of all files`() throws {
    let files = [[UInt8](repeating: 0, count: 100), [UInt8](repeating: 0, count: 5000)]
    for (number, file) in files.enumerated() { try source.file("000\(number)", file) }
    let inodes = try ["0000", "0001"].map { name in
      var status = stat()
      try #require(lstat(source.path.appending(name).string, &status) == 0)
      return UInt64(status.st_ino)
    }
    try withDirectories { directory, _ in
      let payload = try #require(try Payload(in: directory))
      #expect(payload.size == 5100)
      #expect(payload.period.lastInode == inodes.max())
    }
  }

  @Test func `a member that is missing is named before anything is freed`() throws {
    let failure = try unpack(Array(members.prefix(2))) { $0.members = 3 }.failure
    #expect(
      failure.map { String(decoding: Text($0).bytes, as: UTF8.self) }
        == "/.leafroot/0002: missing, the image is cut short")
    for (name, member) in zip(["0000", "0001"], members) {
      #expect(try source.bytes(name) == member)
    }
    #expect(try target.names == [])
  }

  @Test func `twin: where the tree may end there, what there is comes`() throws {
    let (payload, failure) = try unpack(Array(members.prefix(2))) {
      ($0.members, $0.endsAtRefusal) = (3, true)
    }
    #expect(failure == nil)
    #expect(payload.refusal?.file == Array("0002".utf8))
    #expect(try target.names(in: "d") == ["1", "2", "3"])
  }

  @Test func `a fault in the first member frees nothing`() throws {
    let damaged = archive([.directory("d")], trailer: false) + junk
    let files = [damaged] + members[1...]
    let failure = try unpack(files) { ($0.members, $0.threads) = (3, 2) }.failure
    #expect(failure?.file == Array("0000".utf8))
    #expect(failure?.offset == Int64(damaged.count - 116))
    for (number, file) in files.enumerated() { #expect(try source.bytes("000\(number)") == file) }
  }

  @Test(arguments: [1, 2])
  func `a fault in a later member names it and the place in it`(threads: Int) throws {
    let good = archive([.file("d/4", "four")], trailer: false)
    let damaged = good + junk
    let failure = try unpack([members[0], members[1], damaged]) {
      ($0.members, $0.threads) = (3, threads)
    }.failure
    #expect(failure?.file == Array("0002".utf8))
    #expect(failure?.offset == Int64(good.count))
    // What is needed for last words stays.
    #expect(try source.names.contains("0000"))
    #expect(try target.bytes("d/4") == Array("four".utf8))
  }

  @Test func `without members the files are one image in their order, to the fault`() throws {
    let files = [
      archive([.file("x", "first")], trailer: false), archive([.file("x", "2nd")]),
      Array("junk".utf8), archive([.file("x", "never")]),
    ]
    let (payload, failure) = try unpack(files) { $0.endsAtRefusal = true }
    #expect(failure == nil)
    #expect(payload.refusal?.file == Array("0002".utf8))
    #expect(try target.bytes("x") == Array("2nd".utf8))
    #expect(try source.names.contains("0003"))
  }

  @Test func `what has been read of a large member is given back before its end`() throws {
    let size = 3 << 20
    let large = archive(
      [OddRecord(Array("large".utf8), mode: 0o100644, data: [UInt8](repeating: 7, count: size))],
      trailer: false)
    let failure = try unpack([large + junk]).failure
    #expect(failure?.file == Array("0000".utf8))
    var status = stat()
    try #require(lstat(source.path.appending("0000").string, &status) == 0)
    #expect(status.st_size == large.count + junk.count)
    #expect(status.st_blocks * 512 < 2 << 20)
  }

  @Test func `twin: of a small one nothing is given back before its end`() throws {
    let small = archive([.file("x", "x")], trailer: false) + junk
    let failure = try unpack([small]).failure
    #expect(failure != nil)
    #expect(try source.bytes("0000") == small)
  }

  @Test func `a member has at least four digits`() {
    #expect(
      [0, 7, 9999, 10000].map { String(decoding: Payload.name(of: $0), as: UTF8.self) }
        == ["0000", "0007", "9999", "10000"])
  }

  @Test func `a squashfs is no part of what becomes free`() throws {
    try source.file("0000", [UInt8](repeating: 0, count: 100))
    try source.file("squash", [UInt8](repeating: 0, count: 5000))
    try withDirectories { directory, _ in
      let payload = try #require(try Payload(in: directory))
      #expect((payload.size, payload.squashSize) == (100, 5000))
    }
  }

  @Test func `files that lie over mounts wait for them, with the directories that they are in`()
    throws
  {
    let over = archive([
      .directory("d").with { $0.time = 333 }, .file("d/4", "over").with { $0.time = 444 },
      .directory("d/dated").with { $0.time = 555 }, .file("d/dated/5", "over"),
    ])
    for (number, file) in (members + [over]).enumerated() { try source.file("000\(number)", file) }
    var plan = Payload.Plan()
    (plan.members, plan.over) = (3, 1)
    try withDirectories { directory, root in
      let payload = try #require(try Payload(in: directory))
      try payload.unpack(into: root, plan)
      #expect(try source.names == ["0003"])
      #expect(try target.bytes("d/4") == Array("four".utf8))
      try target.shell("mkdir d/dated")

      try payload.unpackOver(into: root, plan)
      #expect(try source.names == [])
      #expect(try target.bytes("d/4") == Array("over".utf8))
      #expect(payload.entries == 12)
      for (name, time) in [("d", 333), ("d/4", 444), ("d/dated", 555)] {
        #expect(try attributes(name).st_mtim.tv_sec == time)
      }
    }
  }

  @Test func `a missing file that lies over mounts is named before anything is freed`() throws {
    let failure = try unpack(members) { ($0.members, $0.over) = (3, 1) }.failure
    #expect(failure?.file == Array("0003".utf8))
    #expect(try source.names == ["0000", "0001", "0002"])
  }
}
