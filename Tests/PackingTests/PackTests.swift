// SPDX-License-Identifier: MIT

import Encoders
import Files
import Foundation
import Images
import Importing
import Newc
import OddImages
import Samples
import SystemPackage
import TestSupport
import Testing

@testable import Packing

/// What `leafroot pack` makes of an image: members whose tree, one after the other, is the image's.
@Suite struct PackTests {
  private let directory: TemporaryDirectory
  private let program: GuestInit

  init() throws {
    directory = try TemporaryDirectory()
    program = try GuestInit(try directory.file("program", elf(count: 1001)), for: .x86)
  }

  private func tree(_ path: FilePath) throws -> ImageTree {
    try ImageTree(Image(path: path))
  }

  private func pack(
    _ image: [UInt8], _ packer: Packer = Packer(.none, jobs: 2, memberSize: 1 << 20),
    as name: String = "out"
  ) throws -> FilePath {
    let path = try directory.file("image", image)
    let output = directory.path.appending(name)
    _ = try packer.write(try tree(path), program, into: output)
    return output
  }

  /// The files of a packed image's payload, in order, and what is said of it.
  private func payload(_ path: FilePath) throws -> (members: [[UInt8]], about: String) {
    let tree = try tree(path)
    let contents = try contents(of: tree)
    let first = try #require(contents.keys.first { $0.hasSuffix("/0000") })
    let directory = String(first.dropLast("0000".count))
    #expect(directory.wholeMatch(of: /\.leafroot\/[0-9a-f]{16}\//) != nil)
    var members: [[UInt8]] = []
    while true {
      let digits = String(members.count)
      let name = directory + String(repeating: "0", count: 4 - digits.count) + digits
      guard let member = contents[name] else { break }
      members.append(member)
    }
    return (members, String(decoding: contents[directory + "about"] ?? [], as: UTF8.self))
  }

  /// By the files' first names.
  private func contents(of tree: ImageTree) throws -> [String: [UInt8]] {
    var contents: [String: [UInt8]] = [:]
    var name = ""
    try tree.readContents { index in
      name = String(decoding: tree.files[index].names[0], as: UTF8.self)
    } data: { bytes in
      contents[name, default: []] += bytes
    }
    return contents
  }

  /// The members' tree is that of `image`: files, names, contents.
  private func expectSameTree(
    _ packed: FilePath, _ image: [UInt8], _ name: String = ""
  ) throws {
    let source = try directory.file("image", image)
    let joined = try directory.file("joined", try payload(packed).members.flatMap { $0 })
    let (theirs, ours) = (try tree(source), try tree(joined))
    let expected = theirs.files.flatMap(Self.separated)
      .sorted { $0.names[0].lexicographicallyPrecedes($1.names[0]) }
    #expect(ours.files.count == expected.count, "\(name)")
    for (mine, its) in zip(ours.files, expected) {
      #expect(mine.entry == its.entry)
      #expect(mine.names == its.names)
      #expect(mine.target == its.target)
    }
    let (mine, its) = (try contents(of: ours), try contents(of: theirs))
    #expect(mine.keys.sorted() == its.keys.sorted())
    for (name, content) in its { #expect(mine[name]?.elementsEqual(content) == true, "\(name)") }
  }

  /// Without its sidecars, a payload has each name of a symbolic link as a link of its own.
  private static func separated(_ file: TreeFile) -> [TreeFile] {
    if file.entry.type != .symbolicLink { return [file] }
    return file.names.map { name in
      var link = file
      (link.names, link.entry.name, link.entry.linkCount) = ([name], name, 1)
      return link
    }
  }

  private let image = archive([
    .directory("d", 0o750), .file("d/x", "content"), .link("l", to: "d/x"),
    .file("d/one", "").with { ($0.links, $0.inode) = (2, 9) },
    .file("d/two", "shared").with { ($0.links, $0.inode) = (2, 9) },
    .file("empty", ""), .file("init", "#!/bin/sh\n"),
  ])

  @Test(arguments: [
    Encoding.none, .zstd(level: 1), .zstd(level: 22), .lz4(level: 9), .gzip(level: 6),
    .xz(level: 2),
  ])
  func `the members have the image's tree, in every encoding`(encoding: Encoding) throws {
    let packed = try pack(image, Packer(encoding, jobs: 2, memberSize: 1))
    try expectSameTree(packed, image)
    let (members, about) = try payload(packed)
    // What has no content, and the files one by one: the two names stay together.
    #expect(members.count == 5)
    #expect(about.hasPrefix("members 5\nentries 7\nbytes 23\npages 3 3 3\n"), "\(about)")
  }

  @Test func `all directories come before what has names in them`() throws {
    let linked = [
      OddRecord.directory("a"), .directory("z"), .node("a/p", 0o010644, (0, 0)).linked(5),
      .node("z/p", 0o010644, (0, 0)).linked(5), .link("b", to: "z"),
    ]
    let first = try #require(try payload(pack(archive(linked))).members.first)
    let found = Recorder(first)
    #expect(found.names == ["a", "z", "a/p", "z/p", "b"])
    try expectSameTree(pack(archive(linked)), archive(linked))
  }

  /// Around the sizes of pages, with links that take one or none.
  @Test func `pages are counted in each size that a kernel has, by pack as by nest`() throws {
    let sizes = [0, 1, 4095, 4096, 4097, 16_384, 16_385, 65_535, 65_536, 65_537, 200_000]
    let image = archive(
      sizes.map { OddRecord(Array("f\($0)".utf8), mode: 0o100644, data: zeros($0)) }
        + [127, 128].map { .link("l\($0)", to: String(repeating: "x", count: $0)) })
    func pages(_ size: Int) -> Int { sizes.reduce(1) { $0 + ($1 + size - 1) / size } }
    let counts = [4096, 16_384, 65_536].map { String(pages($0)) }
    let line = "pages \(counts.joined(separator: " "))\n"
    #expect(try payload(pack(image)).about.contains(line))

    let path = try directory.file("image", image)
    let nested = directory.path.appending("nested")
    _ = try Nester().write(
      Image(path: path), Inspection(InputFile(path), of: path), program, into: nested)
    #expect(try payload(nested).about.contains(line))
  }

  /// In KiB: windows of zstd and dictionaries of xz by the level.
  private static let decoders: [(encoding: Encoding, least: Int, most: Int)] = [
    (.none, 0, 0), (.gzip(level: 6), 80, 80), (.lz4(level: 9), 8192, 8192),
    (.zstd(level: 1), 512, 2048), (.zstd(level: 10), 4096, 5120), (.zstd(level: 19), 8192, 9216),
    (.zstd(level: 22), 8192, 9216), (.xz(level: 0), 256, 1024), (.xz(level: 9), 8192, 9216),
  ]

  @Test(arguments: decoders)
  func `the payload says what its decoder takes`(
    encoding: Encoding, least: Int, most: Int
  ) throws {
    let image = archive([.file("small", "s"), .file("f", String(repeating: "x", count: 10 << 20))])
    let about = try payload(pack(image, Packer(encoding, jobs: 1, memberSize: 64))).about
    let line = about.split(separator: "\n").first { $0.hasPrefix("decoder ") }
    let bytes = line.flatMap { Int($0.dropFirst("decoder ".count)) } ?? 0
    #expect((least << 10...most << 10).contains(bytes), "\(about)")
  }

  @Test(arguments: [Encoding.lz4(level: 9), .zstd(level: 19), .xz(level: 6)])
  func `a decoder takes no more than its member`(encoding: Encoding) throws {
    let about = try payload(pack(image, Packer(encoding, jobs: 1, memberSize: 64))).about
    let line = about.split(separator: "\n").first { $0.hasPrefix("decoder ") }
    let bytes = line.flatMap { Int($0.dropFirst("decoder ".count)) } ?? 0
    #expect((1..<1_100_000).contains(bytes), "\(about)")
  }

  @Test func `two payloads have two names, and one has the same each time`() throws {
    let packer = Packer(.none, jobs: 1, memberSize: 64)
    func name(_ file: String, _ content: String) throws -> String {
      let output = try pack(archive([.file("f", content)]), packer, as: file)
      let names = try contents(of: tree(output)).keys
      return try #require(names.first { $0.hasSuffix("/about") })
    }
    #expect(try name("one", "a") != name("other", "b"))
    #expect(try name("one", "a") == name("again", "a"))
  }

  @Test func `an image that is cut short between two members says nothing about them`() throws {
    let whole = try bytes(pack(image, Packer(.zstd(level: 1), jobs: 2, memberSize: 1)))
    let name = try #require(whole.firstRange(of: Array("/0002\0".utf8)))
    let cut = try directory.file(
      "cut", Array(whole[..<(name.lowerBound - ".leafroot/0123456789abcdef".count - Header.size)]))
    let (members, about) = try payload(cut)
    #expect(members.count == 2)
    #expect(about.isEmpty)
  }

  @Test func `odd images keep the tree that the kernel makes of them`() throws {
    var (packed, refused) = (0, 0)
    for odd in try Corpus.images() {
      let path = try directory.file("odd", odd.bytes)
      guard let source = try? tree(path), !source.files.isEmpty else { continue }
      do {
        let output = try pack(odd.bytes, Packer(.none, jobs: 1, memberSize: 64))
        try expectSameTree(output, odd.bytes, odd.name)
        packed += 1
      } catch let error as FileError {
        #expect("\(error)".contains("newc cannot hold"), "\(odd.name): \(error)")
        refused += 1
      }
    }
    #expect(packed > 400)
    // Symbolic links without a target.
    #expect(refused < 6, "\(refused)")
  }

  @Test func `the same image gives the same bytes, however many threads there are`() throws {
    let files = (0..<40).map {
      OddRecord.file("f\($0)", String(repeating: "\($0) ", count: 5000 + $0))
    }
    let image = archive(files)
    let one = try pack(image, Packer(.zstd(level: 3), jobs: 1, memberSize: 60_000), as: "one")
    let four = try pack(image, Packer(.zstd(level: 3), jobs: 4, memberSize: 60_000), as: "four")
    #expect(try payload(one).members.count > 5)
    #expect(try bytes(one).elementsEqual(try bytes(four)))
  }

  @Test func `microcode stays in front, and is no part of the tree`() throws {
    let microcode = archive([
      .directory("kernel"), .directory("kernel/x86"), .directory("kernel/x86/microcode"),
      .file("kernel/x86/microcode/GenuineIntel.bin", "code"),
    ])
    let front = microcode + zeros(-microcode.count & 511)
    let packed = try pack(front + (try Compressor.gzip.compress(image)))
    #expect(try bytes(packed).starts(with: front))
    let joined = try payload(packed).members.flatMap { $0 }
    let path = try directory.file("joined", joined)
    #expect(try tree(path).files.allSatisfy { !$0.names[0].starts(with: Array("kernel".utf8)) })
    #expect(try tree(path).files.count == 6)
  }

  @Test func `a file that is larger than memory should hold gets a member of its own`() throws {
    let size = 65 << 20
    let image =
      archive([.file("before", "b")]).dropLast(0)
      + archive([
        OddRecord(Array("large".utf8), mode: 0o100644, data: zeros(size)), .file("after", "a"),
      ])
    let packed = try pack(Array(image), Packer(.zstd(level: 1), jobs: 2, memberSize: 1 << 20))
    try expectSameTree(packed, Array(image))
    #expect(try InputFile(packed).size < 1 << 20)
  }

  @Test func `PID 1 is what the kernel executes, also where the tree has a link`() throws {
    var packer = Packer(.none, jobs: 1, memberSize: 1 << 20)
    packer.realInit = "/sbin/start"
    let image = archive([
      .directory("sbin"), .file("sbin/start", "s"), .link("init", to: "sbin/start"),
      .link("bin", to: "sbin"),
    ])
    let packed = try pack(image, packer)
    let outer = try tree(packed)
    for name in ["init", "sbin/start"] {
      let link = try #require(outer.files.first { $0.names == [Array(name.utf8)] })
      #expect(link.target == Array("/leafroot".utf8))
    }
    #expect(try contents(of: outer)["leafroot"] == program.bytes)
    #expect(outer.files.contains { $0.names == [Array("bin".utf8)] })
    #expect(try payload(packed).about.hasSuffix("init /sbin/start\n"))
    #expect(try Image(path: packed).isPacked)
    try expectSameTree(packed, image)
  }

  /// Where a link of the tree `a/b/c` leads, and whether files of later images may go through it.
  @Test(arguments: [
    ("file", false), ("a/b/file", false), ("/a/b/c/../file", false), ("a/dir/b/file", false),
    ("link-to-file", false), ("null", false), ("a/twice", false),
    ("a", true), ("a/b/c", true), ("/a/b/../b", true), ("/", true), ("a/..", true),
    ("../../..", true), ("a/dir", true), ("link-to-dir", true), ("/link-to-dir/b", true),
    ("nowhere", true), ("file/below", true), ("file/../a", true), ("link", true),
  ])
  func `outside of the payload are the links that a path could go on behind`(
    target: String, isThere: Bool
  ) throws {
    let image = archive([
      .directory("a"), .directory("a/b"), .directory("a/b/c"), .link("a/dir", to: "/a"),
      .file("file"), .file("a/b/file"), .node("null", 0o020666, (1, 3)),
      .link("a/twice", to: "b/../../link-to-file"),
      .link("link-to-file", to: "a/b/file"), .link("link-to-dir", to: "a/dir"),
      .link("link", to: target), .link("a/link", to: "/link"),
    ])
    let packed = try pack(image)
    let names = try tree(packed).files.flatMap(\.names).map { String(decoding: $0, as: UTF8.self) }
    #expect(names.contains("link") == isThere)
    // Whoever leads through another link leads to the same.
    #expect(names.contains("a/link") == isThere)
    #expect(Set(names).isSuperset(of: ["a", "a/b", "a/b/c", "a/dir", "link-to-dir"]))
    try expectSameTree(packed, image)
  }

  @Test func `of a link of two names that is outside which does not lead to a file`() throws {
    let root = directory.path.appending("root")
    let script = "mkdir root; cd root; mkdir -p d/file; touch file; ln -s file l; ln -P l d/l"
    try directory.shell(script)
    let packed = directory.path.appending("out")
    _ = try Packer(.none, jobs: 1, memberSize: 64).write(HostTree(root), program, into: packed)
    let names = try tree(packed).files.flatMap(\.names).map { String(decoding: $0, as: UTF8.self) }
    #expect(names.contains("d/l"))
    #expect(!names.contains("l"))
  }

  @Test(arguments: [
    ([OddRecord.file("init", "i"), .file("sbin/init", "s")], "/init"),
    ([.directory("etc"), .file("etc/init", "e")], "/etc/init"),
    // As in systems with a merged /usr.
    (
      [
        .directory("usr"), .directory("usr/sbin"), .link("sbin", to: "usr/sbin"),
        .directory("lib"), .file("lib/systemd", "s"),
        .link("usr/sbin/init", to: "../../lib/systemd"),
      ], "/sbin/init"
    ),
    ([.link("sbin", to: "sbin"), .link("bin", to: "/nowhere")], nil),
    ([.directory("bin"), .file("bin/sh", "s")], "/bin/sh"),
  ])
  func `the init is found that PID 1 would start`(records: [OddRecord], path: String?) throws {
    let output = directory.path.appending("out")
    let image = try directory.file("in", archive(records))
    let summary = try Packer(.none, jobs: 1, memberSize: 64)
      .write(try tree(image), program, into: output)
    #expect(summary.realInit == path)
  }

  /// include/linux/namei.h, MAXSYMLINKS.
  @Test(arguments: [(40, "/init"), (41, nil)])
  func `the init is found behind 40 symbolic links, and not behind one more`(
    count: Int, path: String?
  ) throws {
    let links = (1...count).map { number in
      OddRecord.link(number == count ? "init" : "l\(number)", to: "l\(number - 1)")
    }
    let image = try directory.file("in", archive([.file("l0", "#!", 0o755)] + links))
    let summary = try Packer(.none, jobs: 1, memberSize: 64)
      .write(try tree(image), program, into: directory.path.appending("out"))
    #expect(summary.realInit == path)
  }

  @Test(arguments: [nil, "/sbin/init"])
  func `the payload names the init that was asked for, and no other`(path: String?) throws {
    var packer = Packer(.none, jobs: 1, memberSize: 64)
    packer.realInit = path
    let image = archive([.directory("sbin"), .file("sbin/init", "#!", 0o755)])
    let about = try payload(try pack(image, packer)).about
    #expect(about.contains("\ninit ") == (path != nil), "\(about)")
    if let path { #expect(about.hasSuffix("init \(path)\n"), "\(about)") }
  }

  @Test func `an image that the kernel would not unpack whole is refused, and nothing is written`()
    throws
  {
    for damaged in [image.dropLast(300) + [], image + Array("junk".utf8)] {
      #expect(throws: FileError.self) { try pack(Array(damaged)) }
      #expect(try !directory.names.contains("out"))
    }
  }

  @Test func `a nested image is in the payload byte for byte`() throws {
    let path = try directory.file("image", try Compressor.gzip.compress(image))
    let inspection = try Inspection(ImageSequence(try InputFile(path)), of: path)
    let output = directory.path.appending("nested")
    let size = try Nester().write(Image(path: path), inspection, program, into: output)
    #expect(size == (try InputFile(output).size))
    let (members, about) = try payload(output)
    #expect(members == [try bytes(path)])
    #expect(about == "members 0\nentries 7\nbytes 23\npages 3 3 3\ndecoder 81920\n")
    #expect(try Image(path: output).isPacked)
  }

  @Test func `the segment of nest has PID 1 and the directory for the image`() throws {
    let output = directory.path.appending("segment")
    _ = try Nester().writeSegment(program, into: output)
    let names = try tree(output).files.flatMap(\.names).map { String(decoding: $0, as: UTF8.self) }
    #expect(
      names == [
        ".leafroot", ".leafroot/nested", ".leafroot/nested/about", ".leafroot/nested/start", "init",
        "leafroot",
      ])
    #expect(try contents(of: tree(output))["leafroot"] == program.bytes)
  }

  private func bytes(_ path: FilePath) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: path.string)))
  }
}
