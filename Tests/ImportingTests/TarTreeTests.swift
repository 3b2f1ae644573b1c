// SPDX-License-Identifier: MIT

import Newc
import TestSupport
import Testing

@testable import Importing

/// What becomes of the records of a tar archive, hostile ones too.
@Suite struct TarTreeTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func tree(
    of records: [TarWriterRecord], _ change: (inout Source) -> Void = { _ in }
  ) throws -> any TreeSource {
    try ImportingTests.tree(try directory.file("archive", tar(records)), change)
  }

  private func fault(
    of records: [TarWriterRecord], _ change: (inout Source) -> Void = { _ in }
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

  @Test func `no path leaves the tree`() throws {
    #expect(fault(of: [.file("../x", "")]) == "'../x' has a component '..'")
    #expect(fault(of: [.file("a/../../x", "")]) == "'a/../../x' has a component '..'")
    #expect(
      fault(of: [.link("evil", to: "/etc"), .file("evil/passwd", "")])
        == "'evil/passwd' leads through the symbolic link 'evil' to '/etc'")
    #expect(
      fault(of: [.link("evil", to: "../../etc"), .file("evil/passwd", "")])
        == "'evil/passwd' leads through the symbolic link 'evil' to '../../etc'")
    #expect(
      fault(of: [.link("a", to: "b"), .link("b", to: "a"), .file("a/x", "")])?
        .hasPrefix("'a/x' leads through the symbolic link ") == true)
    #expect(
      fault(of: [.file("f", ""), .file("f/x", "")])
        == "'f/x' leads through 'f', which is not a directory")
    #expect(fault(of: [.file(".", "root")]) == "'.' is the root, and not a directory")
  }

  @Test func `a hard link needs its file`() throws {
    for target in ["none", "d", "../x"] {
      let fault = fault(of: [.directory("d"), .hardLink("l", to: target)])
      #expect(fault?.hasPrefix("'l' ") == true, "\(fault ?? "")")
    }
    let tree = try tree(of: [.file("a", "a"), .hardLink("b", to: "a"), .hardLink("b", to: "a")])
    #expect(tree.files.last?.names.count == 2)
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
    _ = try Command(["sh", "-ec", script], in: directory.path).output()
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
