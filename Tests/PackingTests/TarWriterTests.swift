// SPDX-License-Identifier: MIT

import Initramfs
import Newc
import SystemPackage
import TestSupport
import Testing

@testable import Importing
@testable import Packing

/// The tar archive that a squashfs is made of, read by our own reader.
@Suite struct TarWriterTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func file(
    _ names: [String], _ mode: UInt32, target: String = "", seconds: Int64 = 1,
    _ change: (inout Entry) -> Void = { _ in }, xattrs: [Xattr] = []
  ) -> TreeFile {
    var entry = Entry(name: [], mode: mode)
    change(&entry)
    return TreeFile(
      names: names.map { Array($0.utf8) }, entry: entry, target: Array(target.utf8),
      seconds: seconds, xattrs: xattrs)
  }

  /// The tree of an archive of these files, which have no content.
  private func read(_ files: [TreeFile]) throws -> [TreeFile] {
    var bytes: [UInt8] = []
    for file in files {
      bytes += TarWriter.headers(of: file)
      for name in file.names.dropFirst() { bytes += TarWriter.link(name, to: file) }
    }
    let path = try directory.file("archive", bytes + TarWriter.end)
    let source = PackSource(
      path, Platform(architecture: "amd64"), workDirectory: path.removingLastComponent())
    return try source.tree { _, _ in }.files.filter { $0.names != [[]] }
  }

  @Test func `has what it was given`() throws {
    let long = String(repeating: "x", count: 250)
    let files = [
      file(["a"], 0o104755) { ($0.userID, $0.groupID) = (.max, 2_097_152) },
      file(["b"], 0o060600) { $0.specialDevice = Device(major: 4095, minor: 1_048_575) },
      file(["c", "c2"], 0o020666) { $0.specialDevice = Device(major: 1, minor: 3) },
      file(["d"], 0o041777, seconds: Int64(UInt32.max)),
      file(["d/" + long, "d/" + long + "2"], 0o100644),
      file(["e"], 0o120777, target: long + "\\/" + long), file(["f", "f2"], 0o120777, target: "e"),
      file(["g\\x2d\n"], 0o010644),
    ]
    let found = try read(files)
    #expect(found.count == files.count)
    for (found, file) in zip(found, files) { #expect(found == file) }
  }

  @Test(arguments: [0, 1, 2, 3, 4, 255, 256, 5000])
  func `keeps xattrs of any bytes`(size: Int) throws {
    let value = (0..<size).map { UInt8(truncatingIfNeeded: $0 * 7) }
    let xattrs = ["security.capability", "user.a\n b", "user.ä"].map {
      Xattr(name: Array($0.utf8), value: value)
    }
    let file = file(["f"], 0o100644, xattrs: xattrs)
    #expect(try read([file]) == [file])
  }
}
