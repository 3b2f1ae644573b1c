// SPDX-License-Identifier: MIT

import Files
import Foundation
import Images
import SystemPackage
import TestSupport
import Testing

/// Parts of files that are read as one.
@Suite struct ImagePartsTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory(below: "/dev/shm") }

  private func file(_ name: String, _ bytes: [UInt8]) throws -> ImageParts {
    ImageParts(try InputFile(directory.file(name, bytes)))
  }

  @Test func `parts begin at multiples of 4, and pieces behind four zero bytes more`() throws {
    for count in 1...8 {
      let part = try file("part", [UInt8](repeating: 7, count: count))
      let zeros = [UInt8](repeating: 0, count: -count & 3)
      let content = [UInt8](repeating: 7, count: count)
      var both = part
      both.append(head: [1, 2], part)
      #expect(try both.bytes(at: 0, count: 100) == content + zeros + [1, 2, 0, 0] + content)
      let piece = FilePiece(offset: 0, size: Int64(count))
      #expect(
        try part.pieces([piece, piece]).bytes(at: 0, count: 100)
          == content + zeros + [0, 0, 0, 0] + content)
    }
  }

  @Test func `every range of pieces of pieces is what it is of all their bytes`() throws {
    let base = try file("base", (0..<40).map { UInt8($0) })
    let pieces = base.pieces([
      FilePiece(offset: 3, size: 5), FilePiece(offset: 20, size: 0),
      FilePiece(offset: 30, size: 10),
    ])
    let nested = pieces.pieces([FilePiece(offset: 2, size: pieces.size - 2)])
    let all = Array(try pieces.bytes(at: 0, count: 1000).dropFirst(2))
    #expect(all.count == Int(nested.size) && all.starts(with: [5, 6, 7, 0, 0, 0]))
    for start in 0...all.count {
      for count in 0...(all.count - start + 2) {
        let bytes = try nested.bytes(at: Int64(start), count: count)
        #expect(bytes == Array(all[start...].prefix(count)), "\(start) \(count)")
      }
    }
  }

  @Test func `the sum of sizes ends at the largest offset`() throws {
    let path = try directory.file("huge", [1])
    #expect(truncate(path.string, 7 << 60) == 0)
    var both = ImageParts(try InputFile(path))
    both.append(both)
    both.append(try file("small", [1]))
    #expect(both.size == .max)
    #expect(try both.bytes(at: 7 << 60, count: 2) == [1, 0])
    #expect(try both.bytes(at: .max - 2, count: 9).count == 2)
  }
}
