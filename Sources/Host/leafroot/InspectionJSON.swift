// SPDX-License-Identifier: MIT

import Files
import FoundationEssentials
import Images
import Initramfs
import Newc
import SystemPackage

extension InspectionReport {
  /// Writes one JSON object with sorted keys.
  ///
  /// Entries are written one by one, however many there are; `entries` precedes all other keys.
  /// - Parameter tree: The image whose entries are written; nil for none.
  func writeJSON(to output: Output, entriesOf tree: ImageParts?) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let summary = Array(try encoder.encode(Summary(self)))
    guard let tree else {
      output.write(summary)
      return try output.endLine()
    }

    output.write("{\n  \"entries\" : [")
    var writer = EntryWriter(output)
    let rules = KernelRules(of: inspection.kernel)
    let reader = ImageReader(ImageSequence(tree), rules)
    while let event = try reader.next() {
      guard case .entry(let record) = event else { continue }
      try writer.write(record)
      reader.skipData()
    }
    output.write("\n  ],\n")
    // The summary, without its opening brace.
    output.write(Array(summary.dropFirst(2)))
    try output.endLine()
  }
}

/// Writes entries as JSON objects, one per line.
private struct EntryWriter {
  private let output: Output
  private let encoder = JSONEncoder()
  private var isFirst = true

  init(_ output: Output) {
    self.output = output
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  }

  mutating func write(_ record: Record) throws {
    if !isFirst { output.write(",") }
    isFirst = false
    try output.endLine()
    output.write("    ")
    output.write(Array(try encoder.encode(EntryJSON(record))))
  }
}

private struct EntryJSON: Encodable {
  var name: String
  var nameHex: String?
  var type: String?
  var mode: String
  var userID: UInt32
  var groupID: UInt32
  var linkCount: UInt32
  var modificationTime: UInt32
  var size: UInt64
  var inode: UInt32?
  var device: String?
  var target: String?
  var targetHex: String?

  init(_ record: Record) {
    let entry = record.entry
    (name, nameHex) = text(entry.name)
    type = entry.type.map { "\($0)" }
    mode = String(entry.mode & 0o7777, radix: 8)
    userID = entry.userID
    groupID = entry.groupID
    linkCount = entry.linkCount
    modificationTime = entry.modificationTime
    size = entry.size
    inode = entry.inode
    if entry.type == .characterDevice || entry.type == .blockDevice {
      device = "\(entry.specialDevice.major):\(entry.specialDevice.minor)"
    }
    if entry.type == .symbolicLink { (target, targetHex) = text(record.target) }
  }
}

/// `bytes` as a JSON string, and in hexadecimal if they are not UTF-8.
private func text(_ bytes: [UInt8]) -> (String, String?) {
  if let text = String(validating: bytes, as: UTF8.self) { return (text, nil) }
  let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  return (String(decoding: bytes, as: UTF8.self), hex)
}

/// Everything but the entries.
private struct Summary: Encodable {
  struct MemberJSON: Encodable {
    var offset: Int64
    var size: Int64
    var codec: String
    var unpackedSize: UInt64
    var entries: Int
    var holds: [String]
    var modules: [String]
    var microcode: [String]
    var isCheckWrong: Bool
  }

  struct RealInitJSON: Encodable {
    var chain: [String]
    var isExecutable: Bool
  }

  struct FindingJSON: Encodable {
    var level: Finding.Level
    var kind: Finding.Kind
    var member: Int?
    var path: String?
    var text: String
  }

  struct RefusalJSON: Encodable {
    var offset: Int64
    var unpackedOffset: UInt64?
    var found: String
    var expected: String
    var kernelMessage: String
  }

  /// The payload of a packed image.
  struct PayloadJSON: Encodable {
    var size: Int64
    var members: [MemberJSON]
    var memory: Int?
    var squashfs: SquashfsJSON?
    var findings: [FindingJSON]
    var refusal: RefusalJSON?
  }

  /// What is squashed in the payload.
  struct SquashfsJSON: Encodable {
    var directories: [String]
    var size: Int64
    var entries: Int
    var bytes: Int
    var kernels: [String]
    var large: Int?
    var memoryKept: Int?
  }

  var image: String
  /// The kind of file that contains the image; nil if the file is the image itself.
  var container: String?
  var kernel: String?
  var payload: PayloadJSON?
  var size: Int64
  var padding: Int64
  var members: [MemberJSON]
  var totals: Inspection.Totals
  var realInit: RealInitJSON?
  var memory: MemoryNeed
  var findings: [FindingJSON]
  var findingCounts: [String: Int]
  var refusal: RefusalJSON?
  var isCutShort: Bool
  var exitStatus: Int32

  init(_ report: InspectionReport) {
    let inspection = report.inspection
    image = report.path.string
    container = report.container
    kernel = inspection.kernel?.description
    size = inspection.summary.size
    padding = inspection.summary.padding
    members = Self.members(inspection)
    totals = report.tree.totals
    realInit = report.tree.realInit.map { real in
      RealInitJSON(chain: real.chain.map { text($0).0 }, isExecutable: real.isExecutable)
    }
    memory = inspection.memory
    findings = Self.findings(inspection)
    findingCounts = Dictionary(
      uniqueKeysWithValues: inspection.findings.counts.map { ($0.key.rawValue, $0.value) })
    refusal = Self.refusal(inspection)
    isCutShort = inspection.summary.isCutShort
    exitStatus = report.exitStatus
    payload = report.payload.map { payload in
      PayloadJSON(
        size: payload.summary.size, members: Self.members(payload), memory: report.packedMemory,
        squashfs: Self.squashfs(report), findings: Self.findings(payload),
        refusal: Self.refusal(payload))
    }
  }

  private static func squashfs(_ report: InspectionReport) -> SquashfsJSON? {
    report.squash.map { squash in
      SquashfsJSON(
        directories: squash.names, size: squash.size, entries: squash.entries, bytes: squash.bytes,
        kernels: squash.kernels, large: report.largePackedMemory, memoryKept: report.memoryKept)
    }
  }

  private static func members(_ inspection: Inspection) -> [MemberJSON] {
    zip(inspection.summary.members, inspection.contents).map { member, contents in
      MemberJSON(
        offset: member.offset, size: member.size, codec: "\(member.codec)",
        unpackedSize: member.unpackedSize, entries: member.entries, holds: contents.words,
        modules: contents.modules, microcode: contents.microcode,
        isCheckWrong: member.isCheckWrong)
    }
  }

  private static func findings(_ inspection: Inspection) -> [FindingJSON] {
    inspection.findings.sorted.map { finding in
      FindingJSON(
        level: finding.level, kind: finding.kind, member: finding.member,
        path: finding.path.map { text($0).0 }, text: finding.text)
    }
  }

  private static func refusal(_ inspection: Inspection) -> RefusalJSON? {
    inspection.summary.refusal.map { refusal in
      RefusalJSON(
        offset: refusal.offset, unpackedOffset: refusal.unpackedOffset, found: refusal.found,
        expected: refusal.expected, kernelMessage: refusal.kernelMessage)
    }
  }
}
