// SPDX-License-Identifier: MIT

import Newc
import TestSupport
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
    let listing = try list(Self.archive(), "cpio", "-itvn", "--quiet")
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
    let listing = try list(bytes, "cpio", "-itn", "--quiet")
    #expect(
      listing.split(separator: "\n") == ["d/file", "d/empty", "link", "pipe", "one", "two", "null"])
  }

  @Test func `libarchive lists what was written`() throws {
    let listing = try list(Self.archive(), "bsdtar", "-tvnf", "-")
    let lines = listing.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(
      lines.map { $0[0] } == [
        "drwxrwxrwt", "-rwsr-xr-x", "-rw-------", "lrwxrwxrwx", "prw-r-----", "-rw-r--r--",
        "-rw-r--r--", "crw-rw-rw-",
      ])
  }
}

/// What `words` print, in C's locale and UTC, of `archive`.
private func list(_ archive: [UInt8], _ words: String...) throws -> String {
  var command = Command(words, input: archive)
  command.environment["LC_ALL"] = "C"
  command.environment["TZ"] = "UTC"
  return String(decoding: try command.output(), as: UTF8.self)
}
