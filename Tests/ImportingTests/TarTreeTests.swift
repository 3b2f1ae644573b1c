// SPDX-License-Identifier: MIT

import Initramfs
import Newc
import SystemPackage
import TestSupport
import Testing

@testable import Importing

/// What becomes of the records of a tar archive, hostile ones too.
@Suite struct TarTreeTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func tree(
    of records: [TarWriterRecord], _ change: (inout PackSource) -> Void = { _ in }
  ) throws -> any TreeSource {
    try ImportingTests.tree(try directory.file("archive", tar(records)), change)
  }

  private func fault(
    of records: [TarWriterRecord], _ change: (inout PackSource) -> Void = { _ in }
  ) -> String? {
    ImportingTests.fault { try tree(of: records, change) }?
      .replacingPrefix("\(directory.path)/archive: ")
  }

  @Test func `a later record replaces an earlier one, and what was below it`() throws {
    let tree = try tree(of: [
      .directory("d"), .file("d/x", "x"), .file("f", "old"), .file("f", "new"),
      .file("d", "no directory"), .link("l", to: "f"), .directory("l"), .file("l/y", "y"),
    ])
    #expect(try texts(tree) == ["d": "no directory", "f": "new", "l/y": "y"])
    #expect(names(tree) == ["", "d", "f", "l", "l/y"])
  }

  @Test func `missing directories are made, and a later record gives them their mode`() throws {
    let tree = try tree(of: [
      .file("a/b/c", "c"), .directory("./a/").with { $0.mode = 0o700 }, .file("/abs", "x"),
    ])
    #expect(names(tree) == ["", "a", "a/b", "a/b/c", "abs"])
    #expect(tree.files.map(\.entry.mode).prefix(3) == [0o040755, 0o040700, 0o040755])
  }

  @Test func `a relative link leads on, inside the tree`() throws {
    let tree = try tree(of: [
      .link("lib", to: "usr/lib"), .file("lib/x", "x"), .hardLink("y", to: "lib/x"),
    ])
    #expect(try texts(tree) == ["usr/lib/x": "x"])
    #expect(names(tree) == ["", "lib", "usr", "usr/lib", "usr/lib/x", "y"])
  }

  /// The path that a file of the name `name` gets, with `link` as a symbolic link to `target`.
  @Test(arguments: [
    // What container images do.
    ("var/run", "/run", "var/run/pid", "run/pid"), ("var/run", "../run", "var/run/pid", "run/pid"),
    ("lib", "usr/lib", "lib/x", "usr/lib/x"), ("lib", "/usr/lib/", "lib/x", "usr/lib/x"),
    ("a/b/c", "/", "a/b/c/x", "x"), ("a/b/c", "..", "a/b/c/x", "a/x"),
    ("a/b/c", "./.././d", "a/b/c/x", "a/d/x"), ("l", ".", "l/x", "x"),
    // `..` ends at the root.
    ("l", "../../../etc", "l/passwd", "etc/passwd"), ("l", "/../etc", "l/passwd", "etc/passwd"),
    ("d/l", "/../../d/../e", "d/l/x", "e/x"), ("none", "x", "../x", "x"),
    ("none", "x", "a/../../x", "x"), ("none", "x", "/../../x", "x"),
    ("none", "x", "a/./b/..//x", "a/x"),
    // A name is cleaned before links are followed.
    ("l", "/a/b", "l/../x", "x"),
  ])
  func `a path is resolved inside of the tree`(
    link: String, target: String, name: String, path: String
  ) throws {
    let tree = try tree(of: [.link(link, to: target), .file(name, "here")])
    #expect(try texts(tree) == [path: "here"])
    // The same for a hard link's target, a whiteout, and a directory's attributes.
    let linked = try self.tree(of: [
      .link(link, to: target), .file(path, "here"), .hardLink("zz", to: name),
    ])
    #expect(names(linked).contains("zz"))
    #expect(try contents(linked).count == 1)
  }

  @Test func `only a loop of symbolic links leads nowhere`() throws {
    #expect(
      fault(of: [.link("a", to: "b"), .link("b", to: "/a"), .file("a/x", "")])?
        .hasPrefix("'a/x' leads through more than 40 symbolic links, ") == true)
    let chain = (0..<40).map { TarWriterRecord.link("l\($0)", to: $0 == 0 ? "d" : "/l\($0 - 1)") }
    #expect(try texts(tree(of: chain + [.file("l39/x", "far")])) == ["d/x": "far"])
    #expect(fault(of: chain + [.link("l40", to: "l39"), .file("l40/x", "")])?.isEmpty == false)
    #expect(
      fault(of: [.file("f", ""), .file("f/x", "")])
        == "'f/x' leads through 'f', which is not a directory")
    #expect(fault(of: [.file(".", "root")]) == "'.' is the root, and not a directory")
    let long = "/" + String(repeating: "n", count: 256) + "/d"
    let link = TarWriterRecord.link("l", to: "x").with { $0.pax = [("linkpath", Array(long.utf8))] }
    let refused = fault(of: [link, .file("l/x", "")])
    #expect(refused?.hasPrefix("'l/x' is longer ") == true, "\(refused ?? "none")")
  }

  @Test func `a hard link needs its file`() throws {
    for target in ["none", "d", "../x"] {
      let fault = fault(of: [.directory("d"), .hardLink("l", to: target)])
      #expect(fault?.hasPrefix("'l' ") == true, "\(fault ?? "")")
    }
    let tree = try tree(of: [.file("a", "a"), .hardLink("b", to: "a"), .hardLink("b", to: "a")])
    #expect(tree.files.last?.names.count == 2)
  }

  @Test func `a hard link to a symbolic link is another name of it`() throws {
    let tree = try tree(of: [.link("a", to: "nowhere"), .hardLink("b", to: "a")])
    #expect(tree.files.last?.names == [Array("a".utf8), Array("b".utf8)])
    #expect(tree.files.last?.entry.type == .symbolicLink)
  }

  @Test func `names that are too long are refused`() throws {
    let long = Array(String(repeating: "n", count: 256).utf8)
    #expect(
      fault(of: [TarWriterRecord.file("x", "").with { $0.pax = [("path", long)] }])?
        .hasSuffix("is longer than 4095 bytes, or a component of it than 255") == true)
  }

  @Test func `files that are together larger than the limit are refused at once`() throws {
    let bomb = TarWriterRecord.file("bomb", "").with { $0.size = 3 << 30 }
    #expect(
      fault(of: [bomb]) { $0.limit = 2 << 30 }
        == "has more than 2048 MiB, the limit of --max-size")
    let zeros = try Command(["sh", "-c", "head -c 50000000 /dev/zero | gzip -9"]).output()
    let small = tar([.file("f", "x")])
    let path = try directory.file(
      "bomb.gz", try Command(["gzip", "-c"], input: small).output() + zeros)
    #expect(
      ImportingTests.fault { try ImportingTests.tree(path) { $0.limit = 1 << 20 } }?
        .hasSuffix("has more than 1 MiB, the limit of --max-size") == true)
    // lz4 gives 4 MiB at once: more than the limit before the first file is known.
    let large = tar([.file("f", String(repeating: "x", count: 3 << 20))])
    let lz4 = try directory.file(
      "large.lz4", try Command(["lz4", "-qcB7"], input: large).output())
    #expect(
      ImportingTests.fault { try ImportingTests.tree(lz4) { $0.limit = 1 << 20 } }?
        .hasSuffix("has more than 1 MiB, the limit of --max-size") == true)
    #expect(try ImportingTests.tree(lz4) { $0.limit = 8 << 20 }.files.count == 2)
  }

  @Test(arguments: ["--format=gnu", "--format=pax"])
  func `a sparse file has its holes, wherever they are`(format: String) throws {
    let script = """
      mkdir files && cd files
      printf start > end; truncate -s 300000 end
      truncate -s 300000 all
      truncate -s 300000 begin; printf end >> begin
      printf start > middle; truncate -s 300000 middle; printf end >> middle
      printf start > short; truncate -s 9 short
      tar -S \(format) -cf ../archive *
      """
    try directory.shell(script)
    let contents = try contents(ImportingTests.tree(directory.path.appending("archive")))
    for name in ["all", "begin", "end", "middle", "short"] {
      let found = try #require(contents[name])
      #expect(found.elementsEqual(try directory.bytes("files/\(name)")), "\(name): \(found.count)")
    }
    // The archive is none of zeros.
    #expect(try directory.bytes("archive").count < 100_000)
  }

  @Test func `an archive that is cut short is refused`() throws {
    let whole = tar([.file("a", String(repeating: "a", count: 2000)), .file("b", "b")])
    for size in [600, 1000, 3000] {
      let path = try directory.file("cut", Array(whole.prefix(size)))
      let fault = ImportingTests.fault { try ImportingTests.tree(path) }
      #expect(fault?.contains("cannot be read as an archive") == true, "\(size): \(fault ?? "")")
    }
  }

  @Test func `extended attributes and times of pax are carried`() throws {
    let tree = try tree(of: [
      .file("f", "x").with {
        $0.pax = [
          ("mtime", Array("-6".utf8)), ("SCHILY.xattr.user.b%3D%25", [0, 255]),
          ("SCHILY.xattr.security.capability", Array("cap".utf8)),
        ]
      }
    ])
    let file = try #require(tree.files.last)
    #expect(
      file.xattrs.map { String(decoding: $0.name, as: UTF8.self) } == [
        "security.capability", "user.b=%",
      ])
    #expect(file.xattrs.last?.value == [0, 255])
    #expect(file.farTime == -6)
  }

  // MARK: Global headers

  /// Seconds, user and group of the files `a`, `b` and `c`, of which `b` has a header of its own.
  @Test(arguments: [
    ([("mtime", "77")], [("mtime", "5")], ["77 0 0", "5 0 0", "77 0 0"]),
    ([("mtime", "77.9")], [], ["77 0 0", "77 0 0", "77 0 0"]),
    ([("mtime", "-1.5")], [("comment", "x")], ["-2 0 0", "-2 0 0", "-2 0 0"]),
    ([("mtime", "-5")], [("uid", "3")], ["-5 0 0", "-5 3 0", "-5 0 0"]),
    ([("uid", "70000"), ("gid", "8")], [("gid", "9")], ["T 70000 8", "T 70000 9", "T 70000 8"]),
    ([("mtime", "77"), ("mtime", "")], [], ["T 0 0", "T 0 0", "T 0 0"]),
    (
      [("comment", "deadbeef"), ("uname", "root"), ("hdrcharset", "BINARY")], [("mtime", "5")],
      ["T 0 0", "5 0 0", "T 0 0"]
    ),
    ([("LEAF.unknown", "1")], [], ["T 0 0", "T 0 0", "T 0 0"]),
  ])
  func `a pax global header is of all files that say nothing else`(
    global: [(String, String)], local: [(String, String)], expected: [String]
  ) throws {
    let tree = try tree(of: [
      .global(global), .file("a", "a"), .file("b", "b").with { $0.pax = local.map(pax) },
      .file("c", String(repeating: "c", count: 700_000)),
    ])
    let found = tree.files.dropFirst().map {
      let time = $0.farTime ?? Int64($0.entry.modificationTime)
      let seconds = time == 1_600_000_000 ? "T" : "\(time)"
      return "\(seconds) \($0.entry.userID) \($0.entry.groupID)"
    }
    #expect(found == expected)
  }

  @Test func `a later global header replaces an earlier one, wherever it is`() throws {
    let large = String(repeating: "x", count: 1_000_000)
    let tree = try tree(of: [
      .file("0", large), .global([("mtime", "1")]), .file("1", large), .global([("uid", "4")]),
      .file("2", large), .global([("mtime", "3")]), .file("3", ""), .global([("comment", "end")]),
    ])
    #expect(tree.files.map(\.entry.modificationTime) == [0, 1_600_000_000, 1, 1, 3])
    #expect(tree.files.map(\.entry.userID) == [0, 0, 0, 4, 4])
  }

  @Test(arguments: [
    "path", "linkpath", "size", "SCHILY.xattr.user.a", "LIBARCHIVE.xattr.user.a", "GNU.sparse.size",
    "SCHILY.acl.access",
  ])
  func `what cannot be of all files is refused in a global header`(keyword: String) throws {
    let fault = fault(of: [.global([(keyword, "1")]), .file("a", "a")])
    #expect(
      fault == "found a pax global header with \(keyword), expected one with mtime, uid or gid: "
        + "no other keyword can be of all files")
    let empty = try tree(of: [.global([(keyword, "")]), .file("a", "a")])
    #expect(names(empty) == ["", "a"])
  }

  @Test(arguments: ["mtime", "uid", "gid"])
  func `a number of a global header must be one`(keyword: String) {
    for value in ["x", "1x", "1.x", "--1", "99999999999999999999"] {
      let fault = fault(of: [.global([(keyword, value)]), .file("a", "a")])
      #expect(
        fault == "found a pax global header with \(keyword)=\(value), expected a decimal number")
    }
  }

  private func pax(_ keyword: (String, String)) -> (String, [UInt8]) {
    (keyword.0, Array(keyword.1.utf8))
  }

  // MARK: Volumes

  private func sh(_ script: String) throws {
    try directory.shell(script)
  }

  @Test(arguments: ["gnu", "pax"])
  func `a volume's label is no file`(format: String) throws {
    try sh("mkdir t && echo x > t/f && tar --format=\(format) -V 'a label' -cf archive t")
    let tree = try ImportingTests.tree(directory.path.appending("archive"))
    #expect(names(tree) == ["", "t", "t/f"])
  }

  @Test(arguments: ["gnu", "pax"])
  func `a later volume of several is said to be one`(format: String) throws {
    try sh(
      """
      head -c 100000 /dev/urandom > f
      tar --format=\(format) -M -L 60 -cf one --file=archive --new-volume-script=true f || :
      """)
    let fault = ImportingTests.fault {
      try ImportingTests.tree(directory.path.appending("archive"))
    }
    #expect(
      fault?.contains("is a later volume of an archive in several") == true, "\(fault ?? "none")")
  }

  // MARK: Holes

  @Test(arguments: [
    "--format=gnu", "--sparse-version=0.0", "--sparse-version=0.1", "--sparse-version=1.0",
  ])
  func `holes stay holes in every format of tar, and no zero is read`(format: String) throws {
    try sh(
      """
      mkdir t && cd t && truncate -s 58G lastlog && truncate -s 3G ends && printf x > ends
      truncate -s 5G ends && truncate -s 8G begins && printf end >> begins
      head -c 3000000 /dev/urandom > dense && truncate -s 1G many
      for at in 0 1 5 100 1000 9999; do
        printf "data $at" | dd of=many bs=65536 seek=$at conv=notrunc status=none
      done
      tar -S \(format.contains("version") ? "--format=pax " : "")\(format) -cf ../archive .
      """)
    let path = directory.path.appending("archive")
    let (ours, host) = (
      try ImportingTests.tree(path), try HostTree(directory.path.appending("t"))
    )
    let (mine, its) = (try data(ours), try data(host))
    #expect(mine.keys.sorted() == its.keys.sorted())
    // Their extents may differ: tar's have blocks of 512 bytes.
    #expect(mine["dense"]?.elementsEqual(its["dense"] ?? []) == true)
    #expect(mine["begins"].map { String(decoding: $0, as: UTF8.self) }?.hasSuffix("end") == true)
    for file in ours.files.dropFirst() {
      let name = String(decoding: file.names[0], as: UTF8.self)
      #expect((file.sparse == nil) == (name == "dense"), "\(name)")
      #expect(file.dataSize <= 3_000_000, "\(name)")
    }
    #expect(ours.files.map(\.entry.size) == host.files.map(\.entry.size))
  }

  @Test func `bsdtar's two spellings of one xattr are one`() throws {
    try sh(
      """
      mkdir t && cd t && echo x > f && setfattr -n user.plain -v value f
      setfattr -n user.a=b -v 'c=d' f && setfattr -n user.50%25 -v p f
      bsdtar --format pax --xattrs -cf ../archive f
      """)
    let tree = try ImportingTests.tree(directory.path.appending("archive"))
    let file = try #require(tree.files.last)
    #expect(
      file.xattrs.map { String(decoding: $0.name, as: UTF8.self) }
        == ["user.50%25", "user.a=b", "user.plain"])
    #expect(
      file.xattrs.map { String(decoding: $0.value, as: UTF8.self) } == ["p", "c=d", "value"])
  }

  @Test func `an access control list is the attribute that Linux keeps it in`() throws {
    let list = Array("user::rw-,user:alice:r--:1001,group::r--,mask::r--,other::---".utf8)
    let tree = try tree(of: [.file("f", "x").with { $0.pax = [("SCHILY.acl.access", list)] }])
    let xattr = try #require(tree.files.last?.xattrs.first)
    #expect(String(decoding: xattr.name, as: UTF8.self) == "system.posix_acl_access")
    #expect(
      xattr.value == [
        2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 0xE9, 3, 0, 0, 4, 0, 4, 0, 255, 255,
        255, 255, 0x10, 0, 4, 0, 255, 255, 255, 255, 0x20, 0, 0, 0, 255, 255, 255, 255,
      ])
  }

  @Test func `an image is no archive, in no compression`() throws {
    let image = Array("07070100000000".utf8)
    let raw = try directory.file("raw", image)
    #expect(ImportingTests.fault { try ImportingTests.tree(raw) }?.contains("archive") == false)
    let gzip = try directory.file("gzip", try Command(["gzip", "-c"], input: image).output())
    #expect(ImportingTests.fault { try ImportingTests.tree(gzip) }?.contains("archive") == false)
  }
}

extension String {
  fileprivate func replacingPrefix(_ prefix: String) -> String {
    hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self
  }
}
