// SPDX-License-Identifier: MIT

import Foundation
import OddImages
import SystemPackage
import TestSupport
import Testing

/// How much memory the tool takes of this machine.
@Suite struct MemoryTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try directory.file("members.zst", LargeImage.zstd(times: 30))

    // One file of 3 GiB, as holes.
    let raw = OddRecord.file("big").with { $0.dataSize = 3 << 30 }
    let file = try FileHandle(
      forWritingTo: URL(filePath: directory.file("raw", raw.bytes).string))
    try file.truncate(atOffset: UInt64(raw.bytes.count) + 3 << 30)
  }

  @Test(arguments: [
    ["inspect", "members.zst"], ["inspect", "--list", "members.zst"],
    ["inspect", "--cat", "big", "members.zst"], ["unpack", "members.zst", "tree"],
    ["inspect", "raw"], ["inspect", "--list", "raw"],
  ])
  func `images of 3 GB are read in 64 MB`(arguments: [String]) throws {
    let ended = try Tool(in: directory).shell(
      "exec env time -f %M -o peak $leafroot \(arguments.joined(separator: " ")) >/dev/null")
    #expect(ended.status == 0, "\(ended.errors)")

    let peak = String(decoding: try directory.bytes("peak").dropLast(), as: UTF8.self)
    let kibibytes = try #require(Int(peak), "time(1): \(peak)")
    #expect((4 << 10..<64 << 10).contains(kibibytes))
  }
}
