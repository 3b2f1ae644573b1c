// SPDX-License-Identifier: MIT

import Foundation
import OddImages
import TestSupport
import Testing

@testable import leafroot

/// `leafroot unpack`, run as people run it.
@Suite struct UnpackTests {
  private let directory: TemporaryDirectory
  private let unpack: Tool
  private let image = archive([
    .directory("d"), .file("d/x", "content"), .file("lost/x"), .link("l", to: "d/x"),
  ])

  init() throws {
    directory = try TemporaryDirectory()
    unpack = Tool(in: directory, "unpack")
    try directory.file("image", image)
  }

  @Test func `unpack reports what it made and what it skipped`() throws {
    let result = try unpack("image", "tree")
    #expect(result.status == 0)
    #expect(result.output == "tree: 4 entries, 7 bytes of content\n")
    #expect(
      result.errors
        == "leafroot: skipped 'lost/x': parent directory does not exist yet (as the kernel does)\n")
    #expect(try directory.bytes("tree/l") == Array("content".utf8))
  }

  @Test func `a damaged image gives 1 and the offset, and keeps what was unpacked`() throws {
    try directory.file("broken", image + Array("070707".utf8) + zeros(110))
    let result = try unpack("broken", "tree")
    #expect(result.status == 1)
    #expect(result.errors.contains("broken: offset \(image.count): found '070707', expected"))
    #expect(try directory.bytes("tree/d/x") == Array("content".utf8))
  }

  @Test func `what the kernel does not notice gives 1 as well`() throws {
    try directory.file("short", Array(image.prefix(240)))
    let short = try unpack("short", "one")
    #expect(short.status == 1)
    #expect(
      short.errors.contains("short: offset 240: found the end of the file, expected more"),
      "\(short.errors)")

    var packed = try Compressor.gzip.compress(image)
    packed[packed.count - 8] ^= 1
    try directory.file("wrong", packed)
    let wrong = try unpack("wrong", "two")
    #expect(wrong.status == 1)
    #expect(wrong.errors.hasSuffix("leafroot: wrong: checksum error in the gzip member at 0\n"))
  }

  @Test func `an unreadable image or a full directory gives 2, and changes nothing`() throws {
    #expect(try unpack("none", "tree").status == 2)
    #expect(try directory.names == ["image"])
    try directory.file("file", [])
    #expect(try unpack("image", "file").status == 2)
    _ = try unpack("image", "tree")
    let again = try unpack("image", "tree")
    #expect(again.status == 2)
    #expect(
      again.errors == """
        leafroot: tree: directory is not empty

        """)
  }

  @Test(.enabled(if: Privilege.mayRun, "needs root"))
  func `in a user namespace, devices and unknown owners are left out, and counted`() throws {
    try directory.file(
      "image",
      archive([
        .node("dev/null", 0o020666, (1, 3)), .node("b", 0o060600, (8, 0)), .file("dev", "no"),
        .file("dev/x", "in dev").with { $0.user = 7 },
      ]))
    let result = try unpack.shell("exec unshare --map-root-user $leafroot unpack image tree")
    #expect(result.status == 0)
    #expect(
      result.errors == """
        leafroot: skipped 'dev': cannot replace the existing file of this name (as the kernel does)
        leafroot: skipped 2 device nodes (needs root)
        leafroot: did not set the owner of 1 entry (not mapped in this user namespace)

        """)
    #expect(try directory.names(in: "tree/dev") == ["x"])
  }

  @Test func `wrong usage is 64`() throws {
    #expect(try unpack("image").status == 64)
    #expect(try unpack("image", "tree", "more").status == 64)
  }

  @Test func `an interrupted unpacking gives 130 and leaves nothing behind`() throws {
    // A minute at least.
    try directory.file("big", LargeImage.zstd(times: 1000))

    let ended = try interrupted()
    #expect(ended.status == 130, "\(ended.errors)")
    #expect(try !directory.names.contains("tree"))
  }

  @Test func `of many interruptions none is lost`() throws {
    // Seconds, if it is not interrupted.
    try directory.file("big", LargeImage.zstd(times: 50))
    for round in 1...60 {
      try #require(try interrupted().status == 130, "round \(round)")
    }
  }

  /// Unpacks `big`, and interrupts that as soon as there is a tree.
  private func interrupted() throws -> Command.Ended {
    let tool = try unpack.command(["big", "tree"]).start()
    while try !directory.names.contains("tree"), tool.process.isRunning { usleep(1000) }
    kill(tool.process.processIdentifier, SIGINT)
    return try tool.end()
  }

  @Test func `the bar is as long as the share that was read`() {
    #expect(ReadingProgress.bar(0, of: 100) == "[..............................] 0 %")
    #expect(ReadingProgress.bar(50, of: 100) == "[###############...............] 50 %")
    #expect(ReadingProgress.bar(100, of: 100) == "[##############################] 100 %")
    #expect(ReadingProgress.bar(0, of: 0) == "[##############################] 100 %")
  }
}
