// SPDX-License-Identifier: MIT

import Foundation
import Newc
import OddImages
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
    let command = Command(
      ["sh", "-c", "exec \"$@\" >/dev/null", "-", Command.leafroot] + arguments, in: directory.path)
    let tool = try command.start()
    var peak = 0
    while tool.process.isRunning {
      peak = max(peak, peakMemory(of: tool.process.processIdentifier) ?? 0)
      usleep(1000)
    }
    #expect(try tool.end().status == 0)
    #expect((4 << 10..<64 << 10).contains(peak), "\(peak) KiB")
  }

  /// The most that a process had in memory since it was executed, in KiB. proc_pid_status(5),
  /// VmHWM.
  private func peakMemory(of process: Int32) -> Int? {
    guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
    else { return nil }
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
  }
}
