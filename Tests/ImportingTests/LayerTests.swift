// SPDX-License-Identifier: MIT

import Files
import TestSupport
import Testing

@testable import Importing

/// What one layer does to those below it, record after record: layer.md, "Whiteouts".
@Suite struct LayerTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func tree(
    _ layers: [TarWriterRecord]..., limit: Int64 = 1 << 20
  ) throws -> TarTree {
    let files = try layers.enumerated().map { try InputFile(directory.file("layer\($0)", tar($1))) }
    return try TarTree(directory.path, layers: files, limit: limit)
  }

  private let below: [TarWriterRecord] = [.directory("gone"), .file("gone/z", "old")]

  @Test func `a file in a directory that its layer removes is in a new directory`() throws {
    // The directory of the last record is the one that the next record names.
    for whiteout in ["", "./", "/"].map({ TarWriterRecord.file("\($0).wh.gone", "") }) {
      let one = try tree(below, [.file("gone/new", "new"), whiteout])
      #expect(try texts(one) == ["gone/new": "new"])
      #expect(names(one) == ["", "gone", "gone/new"])
      let other = try tree(below, [whiteout, .file("gone/new", "new")])
      #expect(try texts(other) == ["gone/new": "new"])
    }
  }

  @Test func `twin: without the whiteout the old file stays beside it`() throws {
    #expect(
      try texts(tree(below, [.file("gone/new", "new")])) == ["gone/new": "new", "gone/z": "old"])
  }

  @Test func `a file below a directory that an opaque one hides is in a new directory`() throws {
    let deep: [TarWriterRecord] = [.directory("top/sub"), .file("top/sub/z", "old")]
    let tree = try tree(deep, [.file("top/sub/new", "new"), .file("top/.wh..wh..opq", "")])
    #expect(try texts(tree) == ["top/sub/new": "new"])
    #expect(names(tree) == ["", "top", "top/sub", "top/sub/new"])
  }

  @Test func `a file behind a link that takes the place of its directory is where the link leads`()
    throws
  {
    let tree = try tree(
      [.directory("real")] + below, [.link("gone", to: "real"), .file("gone/new", "new")])
    #expect(try texts(tree) == ["real/new": "new"])
    let hard = try self.tree(
      [.file("file", "f")] + below, [.hardLink("gone", to: "file"), .file("new", "new")])
    #expect(try texts(hard) == ["file": "f", "new": "new"])
    #expect(
      fault {
        try self.tree(
          [.file("file", "f")] + below, [.hardLink("gone", to: "file"), .file("gone/z", "z")])
      }?.hasSuffix("layer 2: 'gone/z' leads through 'gone', which is not a directory") == true)
  }

  @Test func `a directory that takes the place of a link on the way to it is the way from then on`()
    throws
  {
    // Both names of the link are the same one.
    let loop: [TarWriterRecord] = [.directory("d"), .link("d/x", to: "."), .file("d/x/one", "1")]
    #expect(try texts(tree(loop)) == ["d/one": "1"])
    #expect(
      try texts(tree(loop + [.directory("d/x/x"), .file("d/x/two", "2")]))
        == ["d/one": "1", "d/x/two": "2"])
  }

  @Test func `a whiteout of a name that is not there, or below a file, hides nothing`() throws {
    let tree = try tree(
      below, [.file(".wh.none", ""), .file("none/.wh.x", ""), .file("none/.wh..wh..opq", "")])
    #expect(try texts(tree) == ["gone/z": "old"])
    #expect(names(tree) == ["", "gone", "gone/z"])
  }

  @Test func `a path leads through at most 40 links`() throws {
    func chain(_ count: Int) -> [TarWriterRecord] {
      [.directory("l0")] + (1...count).map { .link("l\($0)", to: "l\($0 - 1)") }
        + [.file("l\(count)/x", "x")]
    }
    #expect(try texts(tree(chain(40))) == ["l0/x": "x"])
    #expect(
      fault { try tree(chain(41)) }?.contains("leads through more than 40 symbolic links") == true)
  }

  @Test func `a path has at most 4095 bytes, and a component of it 255`() throws {
    func pax(_ path: String) -> [TarWriterRecord] {
      [TarWriterRecord.file("x", "x").with { $0.pax = [("path", Array(path.utf8))] }]
    }
    let component = String(repeating: "n", count: 255)
    #expect(try texts(tree(pax(component))) == [component: "x"])
    #expect(fault { try tree(pax(component + "n")) }?.contains("is longer than 4095") == true)
    let path = (0..<16).map { _ in component }.joined(separator: "/")
    #expect(path.utf8.count == 4095)
    #expect(try texts(tree(pax(path))) == [path: "x"])
    #expect(fault { try tree(pax("./" + path)) }?.contains("is longer than 4095") == true)
  }

  @Test func `the files of all layers together may have the limit, and not a byte more`() throws {
    let layers: [[TarWriterRecord]] = [
      [.file("a", String(repeating: "a", count: 20_000))],
      [.file("b", String(repeating: "b", count: 20_000))],
    ]
    // What is decoded counts, too: two archives of 512, 20,480 and 1,024 bytes.
    #expect(try tree(layers[0], layers[1], limit: 40_000).files.count == 3)
    #expect(
      fault { try tree(layers[0], layers[1], limit: 39_999) }?.hasSuffix(
        "the limit of --max-size") == true)
  }
}
