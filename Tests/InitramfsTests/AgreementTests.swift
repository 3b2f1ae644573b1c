// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import Initramfs
import OddImages
import TestSupport
import Testing

/// What is in a tree, counted.
private struct Count: Equatable {
  var files = 0
  var directories = 0
  var symbolicLinks = 0
  var bytes: UInt64 = 0
}

/// `inspect` has the tree in memory, `unpack` makes it, and the kernel is the oracle of that.
@Suite struct AgreementTests {
  @Test func `inspect counts what unpack makes, and refuses what it refuses`() throws {
    for image in try Corpus.images() where !isApart(image) {
      let inspection = try Inspection(Bytes(image.bytes))
      let directory = try TemporaryDirectory()
      let tree = directory.path.appending("tree")
      var unpacking = Unpacking()
      unpacking.isPrivileged = false
      let summary = try unpacking.run(Bytes(image.bytes), into: tree)
      #expect(summary.refusal == inspection.reading.refusal, "\(image)")
      #expect(summary.isCutShort == inspection.reading.isCutShort, "\(image)")

      let totals = inspection.totals
      let counted = Count(
        files: totals.files, directories: totals.directories,
        symbolicLinks: totals.symbolicLinks, bytes: totals.bytes)
      let made = try count(tree.string)
      #expect(made == counted, "\(image)")
    }
  }

  /// The kernel has made /dev before, and makes symbolic links to nothing, which `unpack` cannot.
  private func isApart(_ image: OddImage) -> Bool {
    image.explanation == .emptyTarget || image.name.hasPrefix("dev-")
  }

  /// Counts by find(1), for names may be any bytes.
  private func count(_ tree: String) throws -> Count {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/find")
    process.arguments = [tree, "-mindepth", "1", "-printf", "%y %i %s\\n"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    var count = Count()
    for line in Set(String(decoding: bytes, as: UTF8.self).split(separator: "\n")) {
      let fields = line.split(separator: " ")
      switch fields[0] {
      case "f":
        count.files += 1
        count.bytes += UInt64(fields[2]) ?? 0
      case "d": count.directories += 1
      case "l": count.symbolicLinks += 1
      default: break
      }
    }
    return count
  }
}
