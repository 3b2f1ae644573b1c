// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import Initramfs
import Inspection
import OddImages
import TestSupport
import Testing
import Unpacking

/// What is in a tree, counted.
private struct Count: Equatable {
  var files = 0
  var directories = 0
  var symbolicLinks = 0
  var others = 0
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
      #expect(summary.reading.refusal == inspection.reading.refusal, "\(image)")
      #expect(summary.reading.isCutShort == inspection.reading.isCutShort, "\(image)")

      let totals = inspection.totals
      let counted = Count(
        files: totals.files, directories: totals.directories,
        symbolicLinks: totals.symbolicLinks, others: totals.others, bytes: totals.bytes)
      let made = try count(tree.string)
      #expect(made == counted, "\(image)")
    }
  }

  @Test func `what only old kernels read as numbers is refused, unless asked`() throws {
    let images = try Corpus.images().filter { $0.explanation == .digits }
    #expect(!images.isEmpty)
    for image in images {
      let refusal = try read(image.bytes).reading.refusal
      #expect(refusal?.expected == "a hex digit of a newc header", "\(image)")
      #expect(try read(image.bytes, digits: .lenient).reading.refusal == nil, "\(image)")
    }
  }

  /// The kernel has made /dev before, and makes symbolic links to nothing, which `unpack` cannot.
  private func isApart(_ image: OddImage) -> Bool {
    image.explanation == .emptyTarget || image.name.hasPrefix("dev-")
  }

  /// Counts by find(1), for names may be any bytes.
  private func count(_ tree: String) throws -> Count {
    let lines = try Command(["find", tree, "-mindepth", "1", "-printf", "%y %i %s\\n"]).run().output
    var count = Count()
    for line in Set(lines.split(separator: "\n")) {
      let fields = line.split(separator: " ")
      switch fields[0] {
      case "f":
        count.files += 1
        count.bytes += UInt64(fields[2]) ?? 0
      case "d": count.directories += 1
      case "l": count.symbolicLinks += 1
      case "p", "s": count.others += 1
      default: break
      }
    }
    return count
  }
}
