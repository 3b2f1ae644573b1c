// SPDX-License-Identifier: MIT

import Files
import Images
import Importing
import Initramfs
import Newc
import SystemPackage

/// Properties that must hold for any bytes. A violation traps, so that fuzzers and tests notice it,
/// like a crash, a hang or unbounded memory use.
public enum FuzzCheck: String, CaseIterable, Sendable {
  /// The reader of newc records.
  case newc
  /// The splitter of images into members.
  case members
  /// All of `inspect`.
  case inspect
  /// The trees that `pack` reads.
  case source
  /// The arithmetic of PID 1 and of an image's memory need.
  case numbers

  public func run(_ bytes: [UInt8]) {
    switch self {
    case .newc: Self.newc(bytes)
    case .members: Self.members(bytes)
    case .inspect: Self.inspect(bytes)
    case .source: Self.source(bytes)
    case .numbers: Self.numbers(bytes)
    }
  }

  /// The record reader finds the same in whatever pieces the bytes arrive, moves only forward, and
  /// consumes no more than there is.
  private static func newc(_ bytes: [UInt8]) {
    // The first byte is the size of the pieces.
    guard let first = bytes.first else { return }
    let stream = Array(bytes.dropFirst())
    let whole = Transcript(stream, piece: max(1, stream.count))
    let pieces = Transcript(stream, piece: Int(first) + 1)
    precondition(whole == pieces, "pieces of \(Int(first) + 1): \(whole) \(pieces)")
  }

  /// Members follow one another within the image, and a refusal lies in the image too.
  private static func members(_ bytes: [UInt8]) {
    var counter = Counter()
    let reader = ImageReader(Bytes(bytes))
    while let event = reader.next() { counter.count(event) }
    let summary = reader.summary
    var end: Int64 = 0
    for member in summary.members {
      precondition(member.offset >= end, "a member at \(member.offset), before \(end)")
      precondition(member.size >= 0, "a member of \(member.size) bytes")
      end = member.offset + member.size
    }
    precondition(end <= Int64(bytes.count), "members up to \(end) of \(bytes.count)")
    if let refusal = summary.refusal {
      precondition((0...Int64(bytes.count)).contains(refusal.offset), "\(refusal)")
      precondition(!refusal.found.isEmpty && !refusal.expected.isEmpty, "\(refusal)")
    }
    precondition(counter.open == 0, "\(counter.open) members without an end")
    let records = summary.members.reduce(0) { $0 + $1.entries }
    precondition(records == counter.records, "\(records) records counted, \(counter.records) seen")
    described(bytes)
  }

  /// A payload's file with its sidecar, which is everything before the first empty line. What the
  /// sidecar says about a record fits the record, and inspecting it ends.
  private static func described(_ bytes: [UInt8]) {
    guard let end = bytes.firstRange(of: [0x0A, 0x0A])?.lowerBound else { return }
    let source = Bytes(Array(bytes[(end + 2)...]), sidecar: Array(bytes[...end]))
    let reader = ImageReader(source)
    while let event = reader.next() {
      guard case .entry(let record) = event, let extra = record.extra else { continue }
      precondition(!extra.isLink || record.entry.type == .symbolicLink)
      guard let sparse = extra.sparse else { continue }
      precondition(sparse.count == record.entry.size)
      precondition(sparse.pages(of: 4096) <= (sparse.size + 4095) / 4096)
      precondition(SparseMap(size: sparse.size, extents: sparse.extents) == sparse)
    }
    let inspection = try! Inspection(source, of: "image")
    precondition(inspection.summary == reader.summary)
    if let fault = reader.summary.sidecarFault { precondition(fault.line > 0) }
  }

  /// All of `inspect`.
  private static func inspect(_ bytes: [UInt8]) {
    let inspection = try! Inspection(Bytes(bytes), of: "image")
    precondition(inspection.totals.records >= 0)
    precondition(inspection.contents.count == inspection.summary.members.count)
  }

  /// A tree to pack: nothing leads out of it, every parent is a directory, and each file gets
  /// exactly as many bytes as its size says.
  private static func source(_ bytes: [UInt8]) {
    let file = scratch(bytes[...])
    var source = PackSource("source", Platform(architecture: "amd64"), workDirectory: "/tmp")
    source.limit = sizeLimit
    check { try source.tree(of: file) { _, _ in } }

    // The first byte says where one layer ends and the next begins.
    guard let first = bytes.first else { return }
    let cut = min(bytes.count, 1 + Int(first) * 512)
    let layers = [scratch(bytes[1..<cut]), scratch(bytes[cut...])]
    check { try TarTree("image", layers: layers, limit: sizeLimit) }
  }

  private static func scratch(_ bytes: ArraySlice<UInt8>) -> InputFile {
    let file = try! ScratchFile(in: "/dev/shm")
    bytes.withUnsafeBytes { try! file.write($0) }
    return try! file.reopened(as: "source")
  }

  private static var sizeLimit: Int64 { 16 << 20 }

  private static func check(_ tree: () throws -> any TreeSource) {
    do {
      let tree = try tree()
      // An image may rely on the directories that the kernel has made.
      let entries = (tree is ImageTree ? BuiltInArchive.entries : []) + tree.files.map(\.entry)
      let directories = Set(entries.filter { $0.type == .directory }.map(\.name))
      for name in tree.files.flatMap(\.names) where !name.isEmpty {
        let components = name.split(separator: 0x2F, omittingEmptySubsequences: false)
        precondition(
          components.allSatisfy { !$0.isEmpty && !$0.elementsEqual([0x2E, 0x2E]) }, "\(name)")
        let parent = Array(components.dropLast().joined(separator: [0x2F]))
        precondition(parent.isEmpty || directories.contains(parent), "\(name) is in no directory")
      }
      var left = tree.files.map { $0.entry.type == .regular ? Int($0.dataSize) : 0 }
      var current = 0
      try tree.readContents { _, _ in
      } begin: {
        current = $0
      } data: {
        left[current] -= $0.count
      }
      precondition(left.allSatisfy { $0 == 0 }, "contents of other sizes: \(left)")
    } catch {
      // The error says what is wrong with the bytes.
      precondition(!"\(error)".isEmpty)
    }
  }

  private struct Counter {
    var open = 0
    var records = 0
    var left: UInt64 = 0

    mutating func count(_ event: ImageEvent) {
      switch event {
      case .memberBegins: open += 1
      case .entry(let record):
        records += 1
        left = record.entry.type == .regular ? record.entry.size : 0
      case .data(let bytes):
        precondition(bytes.count <= left, "\(bytes.count) bytes of data, \(left) are left")
        left -= UInt64(bytes.count)
      case .dataEnds: precondition(left == 0, "\(left) bytes of data missing")
      case .trailer: break
      case .skipped: records += 1
      case .memberEnds: open -= 1
      }
    }
  }
}

/// What a reader found, regardless of how its data was split.
private struct Transcript: Equatable {
  private var lines: [String] = []

  init(_ stream: [UInt8], piece: Int) {
    var reader = Reader()
    var start = 0
    var data: UInt64 = 0
    while start < stream.count {
      let bytes = Array(stream[start..<min(start + piece, stream.count)])
      var index = 0
      reading: while true {
        let before = (index, reader.offset)
        do {
          switch try reader.next(in: bytes.span, from: &index) {
          case .data(let range):
            precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
            data += UInt64(range.count)
          case .starved: break reading
          case .foreign:
            lines.append("foreign at \(reader.offset)")
            return
          case let event:
            lines.append("\(event) \(reader.header) \(reader.name) \(reader.target) \(data)")
          }
        } catch {
          lines.append("\(error)")
          return
        }
        precondition(index >= before.0 && index <= bytes.count)
        precondition(reader.offset >= before.1)
      }
      precondition(index == bytes.count, "starved with \(bytes.count - index) bytes left")
      start += bytes.count
    }
    lines.append("end at \(reader.offset), \(reader.isBetweenRecords), \(data)")
  }
}
