// SPDX-License-Identifier: MIT

import Fidelity
import Testing

/// The words for what a tree has lost of another.
@Suite struct LossesTests {
  private static let original = [
    ". 40755 0:0 0 0:0 0 5 1 ",
    "./dir 42775 0:0 0 0:0 0 1600000000 2 ",
    "./dir/file 104711 1:2 1 0:0 3 1600000000 3 abc",
    "./dir/link 120777 0:0 1 0:0 3 1600000000 4 ../x",
    "./dir/null 20666 0:0 1 1:3 0 1600000000 5 ",
    "./dir/one 100644 0:0 2 0:0 3 1600000000 6 def",
    "./dir/socket 140755 0:0 1 0:0 0 1600000000 7 ",
    "./dir/two 100644 0:0 2 0:0 3 1600000000 6 def user.name=a",
  ]

  /// What is lost if the lines with these beginnings are others; nil removes a line.
  private static func losses(_ changes: [(path: String, line: String?)]) -> Losses {
    var lines = original
    for (path, line) in changes {
      let old = lines.firstIndex { $0.hasPrefix(path + " ") } ?? lines.endIndex
      lines.replaceSubrange(old..<min(old + 1, lines.endIndex), with: [line].compactMap { $0 })
    }
    let now = 1_700_000_000
    return Losses(of: Census(original, now: now), in: Census(lines, now: now))
  }

  @Test func `the same tree has lost nothing, whatever its inode numbers are`() {
    #expect(Self.losses([]).description == "nothing")
    let others = Self.losses([
      ("./dir/one", "./dir/one 100644 0:0 2 0:0 3 1600000000 16 def"),
      ("./dir/two", "./dir/two 100644 0:0 2 0:0 3 1600000000 16 def user.name=a"),
      // The kernel has dated the root when it was built.
      (".", ". 40755 0:0 0 0:0 0 77 1 "),
    ])
    #expect(others.all.isEmpty)
  }

  @Test(arguments: [
    ("./dir/socket", nil, "1 socket"),
    ("./dir/file", "./dir/file 104711 1:2 1 0:0 3 1600000000 3 abd", "content of 1 file"),
    ("./dir/file", "./dir/file 104711 1:2 1 0:0 2 1600000000 3 abc", "content of 1 file"),
    ("./dir/file", "./dir/file 100711 1:2 1 0:0 3 1600000000 3 abc", "mode of 1 file"),
    ("./dir/file", "./dir/file 104711 0:2 1 0:0 3 1600000000 3 abc", "owner of 1 file"),
    ("./dir/file", "./dir/file 104711 1:2 1 0:0 3 1600000001 3 abc", "time of 1 file"),
    ("./dir", "./dir 42775 0:0 0 0:0 0 1699999999 2 ", "time of 1 directory"),
    ("./dir/link", "./dir/link 120777 0:0 1 0:0 1 1600000000 4 x", "target of 1 symbolic link"),
    ("./dir/null", "./dir/null 20666 0:0 1 1:5 0 1600000000 5 ", "device number of 1 device"),
    // Of another type: the entry itself is lost.
    ("./dir/null", "./dir/null 100666 0:0 1 0:0 0 1600000000 5 0", "1 device"),
    (
      "./dir/two", "./dir/two 100644 0:0 2 0:0 3 1600000000 6 def", "extended attributes of 1 file"
    ),
    ("./new", "./new 10644 0:0 1 0:0 0 1600000000 9 ", "adds 1 fifo"),
  ])
  func `each thing that an entry loses has its words`(path: String, line: String?, words: String) {
    #expect(Self.losses([(path, line)]).description == words)
  }

  @Test func `names that are files of their own have lost their hard links`() {
    let losses = Self.losses([
      ("./dir/one", "./dir/one 100644 0:0 1 0:0 3 1600000000 6 def"),
      ("./dir/two", "./dir/two 100644 0:0 1 0:0 3 1600000000 8 def user.name=a"),
    ])
    #expect(losses.description == "hard links of 2 files")
    #expect(losses.all[0].paths == ["./dir/one", "./dir/two"])
  }

  @Test func `one kind counts each type, and kinds keep their order`() {
    let losses = Self.losses([
      ("./dir", "./dir 42775 0:0 0 0:0 0 3 2 "),
      ("./dir/file", "./dir/file 100711 1:2 1 0:0 3 3 3 abc"),
      ("./dir/one", "./dir/one 100644 0:0 2 0:0 3 3 6 def"),
      ("./dir/link", "./dir/link 120777 0:0 1 0:0 3 3 4 ../x"),
      ("./dir/socket", nil), ("./dir/null", nil),
    ])
    let words =
      "1 device and 1 socket; mode of 1 file; time of 1 directory, 2 files and 1 symbolic link"
    #expect(losses.description == words)
  }

  @Test func `excluded paths are not compared, with all below them`() {
    let census = Census(Self.original, now: 0).excluding(["./dir"])
    #expect(census.entries.keys.sorted() == ["."])
    // Not by letters: ./dir is no part of ./directory.
    #expect(Census(Self.original, now: 0).excluding(["./di"]).entries.count == 8)
  }
}
