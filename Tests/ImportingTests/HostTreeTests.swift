// SPDX-License-Identifier: MIT

import Glibc
import Initramfs
import Newc
import SystemPackage
import TestSupport
import Testing

@testable import Importing

/// A directory as a tree, and the same tree in tar archives.
@Suite struct HostTreeTests {
  private let directory: TemporaryDirectory
  private let root: FilePath

  /// What tar and newc have no common idea of: long names, hard links, holes, old times, xattrs.
  init() throws {
    directory = try TemporaryDirectory()
    root = directory.path.appending("root")
    let long = String(repeating: "n", count: 200)
    try sh(
      """
      mkdir -p root/bin root/etc root/deep/\(long)/\(long) && cd root
      printf program > bin/busybox && ln bin/busybox bin/sh && chmod 4755 bin/busybox
      ln -s bin/busybox init && ln -s ../$(printf 'x%.0s' $(seq 150)) etc/far && mkfifo fifo
      printf hi > "etc/ü file" && truncate -s 3M hole && printf end >> hole && touch empty
      printf deep > deep/\(long)/\(long)/file
      touch -d '1960-01-02 UTC' etc/old && touch -h -d '2001-02-03 UTC' init
      setfattr -n user.plain -v "some text" etc && setfattr -n user.a=b -v '' empty
      chmod 1777 deep
      """)
    if geteuid() == 0 {
      try sh(
        """
        cd root && mknod null c 1 3 && mknod disk b 259 70000 && chown 12:70000 etc/old
        setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 bin/busybox
        """)
    }
  }

  private func sh(_ script: String) throws {
    try directory.shell(script)
  }

  @Test func `a path has at most 4095 bytes`() throws {
    // 15 directories whose names take 256 bytes with their slashes, and one more: 3,840 and 255.
    let component = String(repeating: "d", count: 255)
    func longest(_ first: String, _ last: Int) throws -> Int? {
      try sh(
        """
        rm -rf long && mkdir -p long/\(first) && cd long/\(first)
        for i in $(seq 15); do mkdir \(component) && cd ./\(component); done
        : > \(String(repeating: "f", count: last))
        """)
      return try HostTree(directory.path.appending("long")).files.map(\.names[0].count).max()
    }
    #expect(try longest(".", 254) == 4094)
    #expect(try longest(".", 255) == 4095)
    #expect(try longest("x", 253) == 4095)
    #expect(
      fault { try longest("x", 254) }?.hasSuffix(
        "has a path of 4096 bytes, the kernel takes at most 4095") == true)
  }

  @Test func `all is there, and names belong together`() throws {
    let tree = try HostTree(root)
    let all = names(tree)
    #expect(all.first == "")
    #expect(all.contains("etc/ü file"))
    let program = try #require(tree.files.first { $0.names.count == 2 })
    #expect(program.names == [Array("bin/busybox".utf8), Array("bin/sh".utf8)])
    #expect(program.entry.mode == 0o104755)
    #expect(program.entry.linkCount == 2)
    let texts = try texts(tree)
    #expect(texts["bin/busybox"] == "program")
    #expect(texts["bin/sh"] == nil)
    #expect(try contents(tree)["hole"]?.count == (3 << 20) + 3)
    #expect(try data(tree)["hole"] == Array("end".utf8))
    let hole = try #require(tree.files.first { $0.names == [Array("hole".utf8)] })
    #expect(hole.entry.size == (3 << 20) + 3)
    #expect(hole.sparse?.extents == [Extent(offset: 3 << 20, count: 3)])
  }

  @Test func `a hard link from elsewhere is noted`() throws {
    #expect(try HostTree(root).notes.isEmpty)
    try sh("ln root/bin/sh outside")
    #expect(
      try HostTree(root).notes
        == ["1 file has more hard links than names in the tree: 'bin/busybox'"])
    try sh("ln root/empty root/etc/empty && ln root/empty empty")
    let notes = try HostTree(root).notes
    #expect(notes.count == 1)
    #expect(notes.first?.hasPrefix("2 files have more hard links than names in the tree: ") == true)
  }

  @Test func `what newc cannot hold is beside it`() throws {
    let files = try HostTree(root).files
    let old = try #require(files.first { $0.names == [Array("etc/old".utf8)] })
    #expect(old.farTime == -315_532_800)
    #expect(old.entry.modificationTime == 0)
    let empty = try #require(files.first { $0.names == [Array("empty".utf8)] })
    #expect(empty.xattrs == [Xattr(name: Array("user.a=b".utf8), value: [])])
    let etc = try #require(files.first { $0.names == [Array("etc".utf8)] })
    #expect(etc.xattrs == [Xattr(name: Array("user.plain".utf8), value: Array("some text".utf8))])
  }

  @Test(
    .enabled(if: Privilege.mayRun, "device nodes and security xattrs need root"))
  func `devices, owners and file capabilities are carried`() throws {
    let files = try HostTree(root).files
    let disk = try #require(files.first { $0.names == [Array("disk".utf8)] })
    #expect(disk.entry.specialDevice == Device(major: 259, minor: 70000))
    #expect(disk.entry.type == .blockDevice)
    let old = try #require(files.first { $0.names == [Array("etc/old".utf8)] })
    #expect((old.entry.userID, old.entry.groupID) == (12, 70000))
    let program = try #require(files.first { $0.names.count == 2 })
    #expect(
      program.xattrs.map { String(decoding: $0.name, as: UTF8.self) } == ["security.capability"])
  }

  @Test(arguments: ["", "-z", "-j", "-J", "--lzma", "--zstd"])
  func `a pax archive of the directory has its tree, in every compression`(option: String) throws {
    try sh("tar --format=pax --xattrs --xattrs-include='*' \(option) -cf archive -C root .")
    try expectSameTree(directory.path.appending("archive"))
  }

  @Test(arguments: ["tar --format=gnu -S", "bsdtar --format=gnutar --lz4", "bsdtar --format=pax"])
  func `other archives have what they can hold`(program: String) throws {
    try sh(
      """
      touch root/etc/old && setfattr -x user.plain root/etc && setfattr -x user.a=b root/empty
      setfattr -x security.capability root/bin/busybox 2>/dev/null || :
      \(program) -cf archive -C root .
      """)
    try expectSameTree(directory.path.appending("archive"))
  }

  private func expectSameTree(_ archive: FilePath) throws {
    let (ours, theirs) = (try HostTree(root), try tree(archive))
    #expect(theirs is TarTree)
    #expect(names(ours) == names(theirs))
    for (mine, its) in zip(ours.files, theirs.files) {
      var mine = mine
      // Not every archive keeps holes.
      if its.sparse == nil { mine.sparse = nil }
      #expect(mine == its)
    }
    let (mine, its) = (try contents(ours), try contents(theirs))
    #expect(mine.keys.sorted() == its.keys.sorted())
    for (name, content) in mine { #expect(its[name]?.elementsEqual(content) == true, "\(name)") }
  }

  @Test(arguments: ["root/out", "root/etc/out", "root/link", "root/deep/../out", "out"])
  func `the output and what is left of an interrupted one are no part of the tree`(
    output: String
  ) throws {
    let before = try HostTree(root)
    try sh(
      """
      ln -s etc/real root/link && echo old > \(output)
      echo half > root/.leafroot-1a2b3c && echo half > root/etc/.leafroot-1a2b3c
      mkdir -p root/bin/etc && echo mine > root/bin/etc/out && echo mine > root/.leafroot-UPPER
      """)
    let tree = try HostTree(root, leavingOut: directory.path.appending(output))
    let isLink = output == "root/link"
    var expected = Set(names(before) + ["bin/etc", "bin/etc/out", ".leafroot-UPPER", "link"])
    // Where it is not being written, it is a file like others.
    if output.hasPrefix("root/etc") || isLink { expected.insert(".leafroot-1a2b3c") }
    if !output.hasPrefix("root/etc"), !isLink { expected.insert("etc/.leafroot-1a2b3c") }
    if output == "out" { expected.insert(".leafroot-1a2b3c") }
    #expect(Set(names(tree)) == expected)
    #expect(tree.notes.isEmpty == (output == "out"))
  }

  @Test func `the output may not be there yet, nor its directory`() throws {
    let before = names(try HostTree(root))
    for output in ["root/new", "none/new", "new"] {
      let tree = try HostTree(root, leavingOut: directory.path.appending(output))
      #expect(names(tree) == before)
    }
  }

  @Test func `a symbolic link of several names has them all`() throws {
    try sh("ln root/init root/etc/again && ln root/init root/zzz")
    let link = try HostTree(root).files.first { $0.names.count == 3 }
    #expect(link?.names == ["etc/again", "init", "zzz"].map { Array($0.utf8) })
  }

  @Test(.enabled(if: Privilege.mayRun, "mounting needs root"))
  func `what is mounted in it stays out`() throws {
    try sh("mkdir root/mnt && mount -t tmpfs none root/mnt && touch root/mnt/inside")
    defer { try? sh("umount root/mnt") }
    let tree = try HostTree(root)
    #expect(names(tree).contains("mnt"))
    #expect(!names(tree).contains("mnt/inside"))
    #expect(tree.notes == ["1 mount point is packed as an empty directory"])
  }
}
