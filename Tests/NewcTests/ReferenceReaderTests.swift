// SPDX-License-Identifier: MIT

import Foundation
import Newc
import Testing

/// Archives of every kind of entry, as the field's own readers see them.
@Suite struct ReferenceReaderTests {
  private static func archive() throws -> [UInt8] {
    var sink: [UInt8] = []
    var writer = Writer()
    func add(_ name: String, _ mode: UInt32, _ data: String = "") throws {
      try writer.append(
        Entry(name: Array(name.utf8), mode: mode, userID: 3, groupID: 4), data: Array(data.utf8),
        to: &sink)
    }
    try add("d", 0o041777)
    try add("d/file", 0o104755, "content")
    try add("d/empty", 0o100600)
    try add("link", 0o120777, "d/file")
    try add("pipe", 0o010640)
    for name in ["one", "two"] {
      try writer.append(
        Entry(name: Array(name.utf8), mode: 0o100644, linkCount: 2, inode: 900),
        data: name == "two" ? Array("shared".utf8) : [], to: &sink)
    }
    try writer.append(
      Entry(
        name: Array("null".utf8), mode: 0o020666, modificationTime: 1_000_000_000,
        specialDevice: Device(major: 1, minor: 3)), to: &sink)
    writer.appendTrailer(to: &sink)
    return sink
  }

  @Test func `GNU cpio lists what was written`() throws {
    let listing = try run("cpio", ["-itvn", "--quiet"], input: Self.archive())
    let lines = listing.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(
      lines.map { $0[0] } == [
        "drwxrwxrwt", "-rwsr-xr-x", "-rw-------", "lrwxrwxrwx", "prw-r-----", "-rw-r--r--",
        "-rw-r--r--", "crw-rw-rw-",
      ])
    #expect(lines[1] == ["-rwsr-xr-x", "1", "3", "4", "7", "Jan", "1", "1970", "d/file"])
    #expect(lines[3].suffix(3) == ["link", "->", "d/file"])
    #expect(lines[5][1] == "2")
    #expect(lines[7].suffix(6) == ["1,", "3", "Sep", "9", "2001", "null"])
  }

  @Test func `GNU cpio does not see an entry with one digit of its magic broken`() throws {
    var bytes = try Self.archive()
    bytes[5] = UInt8(ascii: "9")
    let listing = try run("cpio", ["-itn", "--quiet"], input: bytes)
    #expect(
      listing.split(separator: "\n") == ["d/file", "d/empty", "link", "pipe", "one", "two", "null"])
  }

  @Test func `libarchive lists what was written`() throws {
    let listing = try run("bsdtar", ["-tvnf", "-"], input: Self.archive())
    let lines = listing.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(
      lines.map { $0[0] } == [
        "drwxrwxrwt", "-rwsr-xr-x", "-rw-------", "lrwxrwxrwx", "prw-r-----", "-rw-r--r--",
        "-rw-r--r--", "crw-rw-rw-",
      ])
  }
}

private struct ToolFailed: Error { let status: Int32 }

/// The standard output of `tool`, which reads `input`.
private func run(_ tool: String, _ arguments: [String], input: [UInt8]) throws -> String {
  let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
  try Data(input).write(to: file)
  defer { try? FileManager.default.removeItem(at: file) }

  let process = Process()
  process.executableURL = URL(filePath: "/usr/bin/env")
  process.arguments = ["LC_ALL=C", "TZ=UTC", tool] + arguments
  process.standardInput = try FileHandle(forReadingFrom: file)
  let output = Pipe()
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  try process.run()
  let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  guard process.terminationStatus == 0 else {
    throw ToolFailed(status: process.terminationStatus)
  }
  return String(decoding: bytes, as: UTF8.self)
}
