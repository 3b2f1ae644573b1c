// SPDX-License-Identifier: MIT

import Foundation
import OddImages
import TestSupport
import Testing

/// `leafroot inspect`, run as people run it, with its output in a file.
@Suite struct InspectTests {
  private let directory: TemporaryDirectory
  private let inspect: Tool

  init() throws {
    directory = try TemporaryDirectory()
    inspect = Tool(in: directory, "inspect")
    let records: [OddRecord] = [
      .directory("bin", 0o1777), .file("bin/sh", "#!", 0o4755), .link("init", to: "bin/sh"),
      .node("null", 0o020666, (1, 3)), .file("lost/file", "", 0o600),
    ]
    let bytes = archive(records.map { $0.with { ($0.user, $0.time) = (3, 1_700_000_000) } })
    try directory.file("image", bytes)
    try directory.file("broken", Array(bytes.dropLast(124)) + Array("070707".utf8) + bytes)
    try directory.file("short", Array(bytes.prefix(250)))
    try directory.file("archive.tar", [UInt8](repeating: 0x61, count: 257) + Array("ustar".utf8))
  }

  @Test func `piped output has one tab between fields and no colour`() throws {
    let result = try inspect("image")
    #expect(result.status == 0)
    #expect(
      result.output == """
        offset\tsize\tcodec\tunpacked\tentries\tholds
        0\t724\traw\t724\t5\t/init, root tree

        image\t724 bytes
        tree\t1 file, 1 directory, 1 symbolic link, 1 device, 2 bytes
        init\t/init -> bin/sh
        memory\t76 MiB, 76 MiB with initramfs_options=size=90%, 76 MiB wrapped

        warning\tlost/file: parent directory does not exist yet; silently skipped
        note\tno /dev/console in the image; the kernel's built-in archive has one, unless replaced

        """)
  }

  @Test func `a wrong checksum of gzip, which the kernel does not see, gives 1`() throws {
    let image = try directory.bytes("image")
    var bytes = try Compressor.gzip.compress(image)
    try directory.file("right", bytes)
    #expect(try inspect("right").status == 0)
    bytes[bytes.count - 8] ^= 1
    try directory.file("wrong", bytes)
    let result = try inspect("wrong")
    #expect(result.status == 1)
    #expect(result.output.contains("checksum error"), "\(result.output)")
  }

  @Test func `a terminal gets columns, colours, and no control characters of the image`() throws {
    let records: [OddRecord] = [
      .file("d\u{1B}[2J/x", "", 0o600), .node("tty", 0o020666, (5, 0)),
    ]
    let bytes = archive(records.map { $0.with { $0.time = 0 } }, trailer: false)
    try directory.file("odd", bytes + Array("070701".utf8))

    let report = try inspect.onTerminal("odd")
    #expect(
      report == """
        \u{1B}[1moffset  size  codec  unpacked  entries  holds\u{1B}[0m
             0   242  raw         242        2  root tree

        image    242 bytes
        tree     1 device, 0 bytes
        init     none
        memory   76 MiB, 76 MiB with initramfs_options=size=90%, 76 MiB wrapped

        \u{1B}[31merror\u{1B}[0m    the image ends inside the record at 236; the kernel does not report it
        \u{1B}[33mwarning\u{1B}[0m  d?[2J/x: parent directory does not exist yet; silently skipped
        \u{1B}[33mwarning\u{1B}[0m  no /init; the kernel mounts the root= device instead, or panics
        \u{1B}[2mnote\u{1B}[0m     no /dev/console in the image; the kernel's built-in archive has one, unless replaced

        """)
    let list = try inspect.onTerminal("--list", "odd")
    #expect(
      list == """
        -rw-------   1     0     0           0 1970-01-01 00:00 d?[2J/x
        crw-rw-rw-   1     0     0     5,    0 1970-01-01 00:00 tty
        leafroot: odd: offset 242: found the end of the file, expected more of the record at 236

        """)
  }

  @Test func `list prints each entry as ls -l does`() throws {
    let result = try inspect("--list", "image")
    #expect(result.status == 0)
    #expect(
      result.output == """
        drwxrwxrwt 1 3 0 0 2023-11-14 22:13 bin
        -rwsr-xr-x 1 3 0 2 2023-11-14 22:13 bin/sh
        lrwxrwxrwx 1 3 0 6 2023-11-14 22:13 init -> bin/sh
        crw-rw-rw- 1 3 0 1, 3 2023-11-14 22:13 null
        -rw------- 1 3 0 0 2023-11-14 22:13 lost/file

        """)
  }

  @Test func `cat prints the file that is there in the end`() throws {
    #expect(try inspect("--cat", "/init", "image").output == "#!")
    let missing = try inspect("--cat", "nothing", "image")
    #expect(missing.status == 2)
    #expect(missing.errors == "leafroot: image: has no file nothing\n")
  }

  @Test func `JSON has what the table has, and the entries if asked`() throws {
    let result = try inspect("--json", "--list", "image")
    let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
    let json = try #require(object as? [String: Any])
    let entries = try #require(json["entries"] as? [[String: Any]])
    #expect(entries.compactMap { $0["name"] as? String }.last == "lost/file")
    #expect(entries[2]["target"] as? String == "bin/sh")
    #expect(entries[3]["device"] as? String == "1:3")
    #expect((json["members"] as? [[String: Any]])?.first?["codec"] as? String == "raw")
    #expect((json["memory"] as? [String: Int])?["stock"] == 76)
    #expect(json["exitStatus"] as? Int == 0)

    let plain = try inspect("--json", "image")
    let summary = try JSONSerialization.jsonObject(with: Data(plain.output.utf8))
    #expect((summary as? [String: Any])?.keys.count == json.keys.count - 1)
  }

  @Test func `an image that the kernel refuses gives 1, and says where`() throws {
    let result = try inspect("broken")
    #expect(result.status == 1)
    #expect(
      result.output.contains(
        "error\toffset 600: found '070707', expected 070701 or 070702; the kernel logs "
          + "\"incorrect cpio method used: use -H newc option\" and boots with what it has "
          + "unpacked up to there\n")
    )
    let list = try inspect("--list", "broken")
    #expect(list.status == 1)
    #expect(
      list.errors
        == "leafroot: broken: offset 600: found '070707', expected 070701 or 070702\n")
  }

  @Test func `an image that is cut short gives 1`() throws {
    #expect(try inspect("short").status == 1)
    #expect(try inspect("--list", "short").status == 1)
  }

  @Test func `what is no image is named`() throws {
    let result = try inspect("archive.tar")
    #expect(result.status == 1)
    #expect(
      result.errors
        == "leafroot: archive.tar: is a tar archive, not an initramfs\n")
    #expect(try inspect("none").status == 2)
  }

  @Test(arguments: [["inspect"], ["inspect", "--list"], ["unpack"]])
  func `too little memory to decode gives 2: the image is not to blame`(verb: [String]) throws {
    try directory.shell("zstd -q --long=27 -c <image >wide")
    func run(_ limit: String) throws -> Command.Ended {
      let words = verb + ["wide"] + (verb == ["unpack"] ? [limit] : [])
      return try inspect.shell(
        "ulimit -v \(limit); exec $leafroot \(words.joined(separator: " "))")
    }
    #expect(try run("unlimited").status == 0)
    let result = try run("200000")
    #expect(result.status == 2)
    #expect(result.errors.hasSuffix("wide: cannot decode the member at 0: out of memory\n"))
  }

  @Test func `options that exclude each other are wrong usage`() throws {
    #expect(try inspect("--cat", "init", "--json", "image").status == 64)
    #expect(try inspect("--list", "--kernel-config", "config", "image").status == 64)
  }
}
