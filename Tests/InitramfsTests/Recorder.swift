// SPDX-License-Identifier: MIT

import Foundation
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
  reader.digits = digits
  var recorder = Recorder()
  recorder.wish = wish
  let reading = try reader.read(Bytes(image), visiting: &recorder)
  return (reading, recorder)
}

struct ToolFailed: Error { let status: Int32 }

/// `bytes` through a filter of the field, as `gzip -c`.
func filter(_ bytes: [UInt8], _ command: String...) throws -> [UInt8] {
  let directory = try TemporaryDirectory()
  let file = try directory.file("input", bytes)
  let process = Process()
  process.executableURL = URL(filePath: "/usr/bin/env")
  process.arguments = command
  process.standardInput = try FileHandle(forReadingFrom: URL(filePath: file.string))
  let output = Pipe()
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  try process.run()
  let result = try output.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  guard process.terminationStatus == 0 else {
    throw ToolFailed(status: process.terminationStatus)
  }
  return Array(result)
}
