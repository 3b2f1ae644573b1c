// SPDX-License-Identifier: MIT

import Files
import Glibc
import Initramfs
import Newc

/// Prints each entry of an image as `ls -l` does, in the image's order.
struct Lister {
  private let output: Output
  // Most files of an image are from a few days.
  private var day: (number: Int, text: [UInt8]) = (0, Array("1970-01-01 ".utf8))

  init(_ output: Output) { self.output = output }

  mutating func write(_ record: Record) throws(FileError) {
    let entry = record.entry
    writeMode(entry.mode)
    column(UInt64(entry.linkCount), 3)
    column(UInt64(entry.userID), 5)
    column(UInt64(entry.groupID), 5)
    if entry.type == .characterDevice || entry.type == .blockDevice {
      column(UInt64(entry.specialDevice.major), 5)
      output.write(UInt8(ascii: ","))
      column(UInt64(entry.specialDevice.minor), 4)
    } else {
      column(entry.size, 11)
    }
    writeTime(Int(entry.modificationTime))
    output.write(name: entry.name)
    if entry.type == .symbolicLink {
      output.write(" -> ")
      output.write(name: record.target)
    }
    try output.endLine()
  }

  private func column(_ number: UInt64, _ width: Int) {
    output.write(UInt8(ascii: " "))
    output.write(number, width: width)
  }

  private func writeMode(_ mode: UInt32) {
    let type: UInt8 =
      switch Entry.FileType(rawValue: mode & 0o170000) {
      case .fifo: UInt8(ascii: "p")
      case .characterDevice: UInt8(ascii: "c")
      case .directory: UInt8(ascii: "d")
      case .blockDevice: UInt8(ascii: "b")
      case .regular: UInt8(ascii: "-")
      case .symbolicLink: UInt8(ascii: "l")
      case .socket: UInt8(ascii: "s")
      case nil: UInt8(ascii: "?")
      }
    output.write(type)
    for (shift, special, letters) in Lister.triples {
      let bits = mode >> shift
      output.write(bits & 4 != 0 ? UInt8(ascii: "r") : UInt8(ascii: "-"))
      output.write(bits & 2 != 0 ? UInt8(ascii: "w") : UInt8(ascii: "-"))
      let isExecutable = bits & 1 != 0
      if mode & special != 0 {
        output.write(isExecutable ? letters.0 : letters.1)
      } else {
        output.write(isExecutable ? UInt8(ascii: "x") : UInt8(ascii: "-"))
      }
    }
  }

  /// Where the bits of owner, group and others are, and what setuid, setgid and sticky look like.
  private static let triples: [(shift: UInt32, special: UInt32, letters: (UInt8, UInt8))] = [
    (6, 0o4000, (UInt8(ascii: "s"), UInt8(ascii: "S"))),
    (3, 0o2000, (UInt8(ascii: "s"), UInt8(ascii: "S"))),
    (0, 0o1000, (UInt8(ascii: "t"), UInt8(ascii: "T"))),
  ]

  private mutating func writeTime(_ seconds: Int) {
    let number = seconds / 86400
    if number != day.number { day = (number, Lister.date(number)) }
    output.write(UInt8(ascii: " "))
    output.write(day.text)
    output.writePair(seconds % 86400 / 3600)
    output.write(UInt8(ascii: ":"))
    output.writePair(seconds % 3600 / 60)
    output.write(UInt8(ascii: " "))
  }

  /// The date of the `number`th day after 1970-01-01, in UTC. gmtime_r(3), strftime(3).
  static func date(_ number: Int) -> [UInt8] {
    var seconds = number * 86400
    var parts = tm()
    gmtime_r(&seconds, &parts)
    var text = [CChar](repeating: 0, count: 32)
    let length = strftime(&text, text.count, "%F ", &parts)
    return text[..<length].map { UInt8(bitPattern: $0) }
  }
}
