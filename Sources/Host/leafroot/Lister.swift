// SPDX-License-Identifier: MIT

import Files
import Glibc
import Initramfs
import Newc

/// Prints each entry of an image as `ls -l` does, in the image's order.
struct Lister {
  private let output: Output
  // The line up to an entry's name. It is built byte by byte, in a structure: at every change of a
  // class's property, Swift would check for concurrent changes.
  private var line: [UInt8] = []
  // A cache: most files of an image are from a few days.
  private var day: (number: Int, text: [UInt8]) = (0, Array("1970-01-01 ".utf8))

  init(_ output: Output) { self.output = output }

  mutating func write(_ record: Record) throws(FileError) {
    let entry = record.entry
    line.removeAll(keepingCapacity: true)
    appendMode(entry.mode)
    appendColumn(UInt64(entry.linkCount), 3)
    appendColumn(UInt64(entry.userID), 5)
    appendColumn(UInt64(entry.groupID), 5)
    if entry.type == .characterDevice || entry.type == .blockDevice {
      appendColumn(UInt64(entry.specialDevice.major), 5)
      line.append(UInt8(ascii: ","))
      appendColumn(UInt64(entry.specialDevice.minor), 4)
    } else {
      appendColumn(entry.type == .regular ? record.fileSize : entry.size, 11)
    }
    appendTime(record.extra?.time.map { Int($0) } ?? Int(entry.modificationTime))
    output.write(line)
    output.write(name: entry.name)
    if entry.type == .symbolicLink {
      output.write(" -> ")
      output.write(name: record.target)
    }
    try output.endLine()
  }

  /// Appends a blank and `number`, padded to `width` digits on a terminal.
  private mutating func appendColumn(_ number: UInt64, _ width: Int) {
    var digits: [20 of UInt8] = .init(repeating: UInt8(ascii: " "))
    var rest = number
    var place = digits.count
    repeat {
      place -= 1
      digits[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    } while rest > 0
    if output.isTerminal { place = max(0, min(place, digits.count - width)) }
    line.append(UInt8(ascii: " "))
    for index in place..<digits.count { line.append(digits[index]) }
  }

  private mutating func appendMode(_ mode: UInt32) {
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
    line.append(type)
    for (shift, special, letters) in Lister.triples {
      let bits = mode >> shift
      line.append(bits & 4 != 0 ? UInt8(ascii: "r") : UInt8(ascii: "-"))
      line.append(bits & 2 != 0 ? UInt8(ascii: "w") : UInt8(ascii: "-"))
      let isExecutable = bits & 1 != 0
      if mode & special != 0 {
        line.append(isExecutable ? letters.0 : letters.1)
      } else {
        line.append(isExecutable ? UInt8(ascii: "x") : UInt8(ascii: "-"))
      }
    }
  }

  /// The shifts of the bits for owner, group and others, and the letters for setuid, setgid and
  /// sticky.
  private static let triples: [(shift: UInt32, special: UInt32, letters: (UInt8, UInt8))] = [
    (6, 0o4000, (UInt8(ascii: "s"), UInt8(ascii: "S"))),
    (3, 0o2000, (UInt8(ascii: "s"), UInt8(ascii: "S"))),
    (0, 0o1000, (UInt8(ascii: "t"), UInt8(ascii: "T"))),
  ]

  private mutating func appendTime(_ seconds: Int) {
    // Round down, also before 1970.
    let second = (seconds % 86400 + 86400) % 86400
    let number = (seconds &- second) / 86400
    if number != day.number { day = (number, Lister.date(number)) }
    line.append(UInt8(ascii: " "))
    line.append(contentsOf: day.text)
    appendPair(second / 3600)
    line.append(UInt8(ascii: ":"))
    appendPair(second % 3600 / 60)
    line.append(UInt8(ascii: " "))
  }

  /// Appends `number` as two digits.
  private mutating func appendPair(_ number: Int) {
    line.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / 10))
    line.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
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
