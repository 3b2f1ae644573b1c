// SPDX-License-Identifier: MIT

import Initramfs
import Newc
import TestSupport

/// A visitor that keeps all, and wants all.
struct Recorder: ImageVisitor {
  var entries: [Entry] = []
  var contents: [String: [UInt8]] = [:]
  var targets: [String: String] = [:]
  var trailers = 0
  var skips: [Reader.Skip] = []
  var wish = Wish.data
  private var current = ""

  var names: [String] { entries.map { String(decoding: $0.name, as: UTF8.self) } }

  mutating func entry(_ record: Record) -> Wish {
    entries.append(record.entry)
    current = String(decoding: record.entry.name, as: UTF8.self)
    if record.entry.type == .symbolicLink {
      targets[current] = String(decoding: record.target, as: UTF8.self)
    }
    return wish
  }

  mutating func data(_ bytes: Span<UInt8>) {
    bytes.withUnsafeBufferPointer { contents[current, default: []].append(contentsOf: $0) }
  }

  mutating func endOfData() { contents[current, default: []] += [] }
  mutating func trailer() { trailers += 1 }
  mutating func skipped(_ record: Record, _ why: Reader.Skip) { skips.append(why) }
}

/// Reads an image in memory.
func read(
  _ image: [UInt8], digits: Header.Digits = .strict, wish: Wish = .data
) throws -> (reading: Reading, found: Recorder) {
  var reader = ImageReader()
  reader.rules.records.digits = digits
  var recorder = Recorder()
  recorder.wish = wish
  let reading = try reader.read(Bytes(image), visiting: &recorder)
  return (reading, recorder)
}

/// `bytes` through a filter of the field, as `gzip -c`.
func filter(_ bytes: [UInt8], _ command: String...) throws -> [UInt8] {
  try Command(command, input: bytes).output()
}
