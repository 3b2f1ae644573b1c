// SPDX-License-Identifier: MIT

import Initramfs
import Newc

/// A raw newc archive inside a file, walked header by header; data is jumped over.
enum RawArchive {
  /// Whether the archive at `start` has an entry of that name at its root.
  ///
  /// It ends as for the kernel: with the trailer, with anything but zeros or another record, or
  /// with the file. Hostile sizes only move the offset forward, so the walk ends. A header that
  /// the kernel refuses ends it too: ``ImageReader`` says what is wrong with that.
  static func holds(
    _ name: String, in file: borrowing InputFile, from start: Int64
  ) throws(FileError) -> Bool {
    let wanted = Array(name.utf8)
    var offset = start

    while let next = try file.firstNonZero(from: offset), next % 4 == 0 {
      // Mostly one read has the header and the whole name.
      var bytes = try file.bytes(at: next, count: Header.size + 256)
      guard bytes.first == UInt8(ascii: "0") else { return false }
      guard let header = try? Header(bytes.span) else { return false }
      let nameSize = Int(header.nameSize)

      // namesize 0 or above PATH_MAX: the kernel skips the entry.
      if (1...Writer.pathLimit).contains(nameSize) {
        if bytes.count < Header.size + nameSize {
          bytes = try file.bytes(at: next, count: Header.size + nameSize)
        }
        let found = bytes.dropFirst(Header.size).prefix(nameSize).prefix { $0 != 0 }
        if found.elementsEqual(Writer.trailerName) { return false }
        if normal(found).elementsEqual(wanted) { return true }
      }

      let data = next + aligned(Int64(Header.size) + Int64(header.nameSize))
      offset = data + aligned(Int64(header.dataSize))
    }
    return false
  }

  /// A name without the leading `/` and `./` that say nothing in an initramfs.
  private static func normal(_ name: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var name = name
    while true {
      if name.first == UInt8(ascii: "/") {
        name = name.dropFirst()
      } else if name.starts(with: [UInt8(ascii: "."), UInt8(ascii: "/")]) {
        name = name.dropFirst(2)
      } else {
        return name
      }
    }
  }

  private static func aligned(_ count: Int64) -> Int64 { (count + 3) & ~3 }
}
