// SPDX-License-Identifier: MIT

import Files
import Images
import Initramfs
import SystemPackage

/// The output of `leafroot inspect`: tables or JSON.
struct InspectionReport {
  let inspection: Inspection
  /// The part of a packed image that PID 1 unpacks.
  let payload: Inspection?
  /// What is squashed in it; nil if nothing is.
  let squash: PackedSquashfs?
  let path: FilePath
  /// The kind of file that contains the image; nil if the file is the image itself.
  let container: String?
  /// The number of payloads.
  private let payloadCount: Int

  init(
    _ inspection: Inspection, payload: Inspection? = nil, squash: PackedSquashfs? = nil,
    of image: Image, path: FilePath
  ) {
    self.inspection = inspection
    self.payload = payload
    self.squash = squash
    self.path = path
    container = image.container
    payloadCount = image.payloads.count
  }

  /// The inspection of the tree that runs.
  var tree: Inspection { payload ?? inspection }

  /// The MiB that a packed image needs to boot.
  var packedMemory: Int? { payload.map { $0.memory(packedIn: inspection, squash) } }

  /// The same with `initramfs_options=size=90%`, if that makes a difference.
  var largePackedMemory: Int? {
    guard let payload, let squash, let packedMemory else { return nil }
    let memory = payload.memory(packedIn: inspection, squash, isLarge: true)
    return memory < packedMemory ? memory : nil
  }

  /// The MiB that the root of an image with squashed directories keeps after the boot.
  var memoryKept: Int? {
    guard let payload, let squash else { return nil }
    return payload.memoryKept(squash)
  }

  /// 1 if the kernel or PID 1 does not unpack everything, or a member is damaged.
  var exitStatus: Int32 { inspection.findings.haveError || tree.findings.haveError ? 1 : 0 }

  func write(to output: Output) throws(FileError) {
    try writeMembers(to: output)
    try output.endLine()
    try writeFacts(to: output)
    // Findings about the kernel's part of a packed image concern a tree that is not kept.
    let own = payload == nil || inspection.findings.haveError ? [inspection] : []
    let findings = (own + [payload].compactMap { $0 }).filter { !$0.findings.kept.isEmpty }
    if findings.isEmpty { return }
    try output.endLine()
    for one in findings { try writeFindings(of: one, to: output) }
  }

  // MARK: Members

  private func writeMembers(to output: Output) throws(FileError) {
    let head = ["offset", "size", "codec", "unpacked", "entries", "holds"]
    let rows = zip(inspection.summary.members, inspection.contents).map { member, contents in
      [
        "\(member.offset)", "\(member.size)", "\(member.codec)", "\(member.unpackedSize)",
        "\(member.entries)", contents.words.joined(separator: ", "),
      ]
    }
    let widths = head.indices.map { column in
      ([head] + rows).map { $0[column].count }.max() ?? 0
    }
    try write(head, widths, style: .bold, to: output)
    for row in rows { try write(row, widths, style: nil, to: output) }
  }

  private func write(
    _ row: [String], _ widths: [Int], style: Style?, to output: Output
  ) throws(FileError) {
    guard output.isTerminal else {
      output.write(row.joined(separator: "\t"))
      return try output.endLine()
    }
    if let style, output.hasColours { output.write(style.start) }
    for (column, text) in row.enumerated() {
      let blanks = String(repeating: " ", count: widths[column] - text.count)
      let isText = column == 2 || column == row.count - 1
      output.write(isText ? text : blanks + text)
      if column < row.count - 1 { output.write(isText ? blanks + "  " : "  ") }
    }
    if style != nil, output.hasColours { output.write(Style.end) }
    try output.endLine()
  }

  // MARK: Facts

  private func writeFacts(to output: Output) throws(FileError) {
    for (label, value) in facts {
      output.write(label)
      output.write(separator(after: label, width: 9, output))
      output.write(name: Array(value.utf8))
      try output.endLine()
    }
  }

  private func separator(after label: String, width: Int, _ output: Output) -> String {
    output.isTerminal ? String(repeating: " ", count: max(1, width - label.count)) : "\t"
  }

  private var facts: [(String, String)] {
    let totals = tree.totals
    let counts = [
      (totals.files, "file", "files"), (totals.directories, "directory", "directories"),
      (totals.symbolicLinks, "symbolic link", "symbolic links"),
      (totals.devices, "device", "devices"), (totals.others, "fifo or socket", "fifos or sockets"),
      (totals.hardLinks, "hard link", "hard links"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.0 == 1 ? $0.1 : $0.2)" }
    let padding = inspection.summary.padding
    return [
      (
        "image",
        "\(inspection.summary.size) bytes" + (padding > 0 ? ", \(padding) of them padding" : "")
          + (container.map { ", \($0)" } ?? "")
      )
    ] + payloadFact + [
      ("tree", (counts + ["\(totals.bytes) bytes"]).joined(separator: ", "))
    ] + squashFacts + [
      ("init", realInit),
      ("memory", memory),
    ] + (inspection.kernel.map { [("kernel", "Linux \($0)")] } ?? [])
  }

  private var payloadFact: [(String, String)] {
    guard let payload else { return [] }
    let count = payload.summary.members.count
    return [
      (
        "payload",
        (payloadCount > 1 ? "\(payloadCount) payloads, " : "")
          + "\(count) \(count == 1 ? "member" : "members"), \(payload.summary.size) bytes"
      )
    ]
  }

  private var squashFacts: [(String, String)] {
    guard let squash else { return [] }
    return [
      (
        "squashfs",
        "\(squash.names.joined(separator: ", ")): \(squash.entries) entries, \(squash.bytes) bytes, "
          + "\(squash.size) compressed"
      ),
      ("modules", squash.kernels.isEmpty ? "none" : squash.kernels.joined(separator: ", ")),
    ]
  }

  private var memory: String {
    if let packedMemory {
      let large = largePackedMemory.map { ", \($0) MiB with initramfs_options=size=90%" } ?? ""
      return "\(packedMemory) MiB\(large)" + (memoryKept.map { ", \($0) MiB kept" } ?? "")
    }
    let memory = inspection.memory
    return "\(memory.stock) MiB, \(memory.large) MiB with initramfs_options=size=90%, "
      + "\(memory.wrapped) MiB wrapped"
  }

  private var realInit: String {
    guard let real = tree.realInit else { return "none" }
    let chain = real.chain.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " -> ")
    return chain + (real.isExecutable ? "" : " (not executable)")
  }

  // MARK: Findings

  private func writeFindings(
    of inspection: Inspection, to output: Output
  ) throws(FileError) {
    let findings = inspection.findings
    for finding in findings.sorted {
      let level = finding.level.rawValue
      if output.hasColours { output.write(Style(finding.level).start) }
      output.write(level)
      if output.hasColours { output.write(Style.end) }
      output.write(separator(after: level, width: 9, output))
      if let path = finding.path {
        output.write(name: path)
        output.write(": ")
      } else if let member = finding.member, inspection.summary.members.count > 1 {
        output.write("\(payload == inspection ? "payload " : "")member \(member + 1): ")
      }
      output.write(finding.text)
      try output.endLine()
    }
    for kind in Finding.Kind.allCases {
      let more = findings.counts[kind, default: 0] - Findings.limit
      guard more > 0 else { continue }
      output.write("note")
      output.write(separator(after: "note", width: 9, output))
      output.write("\(more) more of \(kind.rawValue)")
      try output.endLine()
    }
  }
}

/// Text styles of a terminal: ECMA-48, SGR.
private enum Style {
  case bold, red, yellow, faint

  init(_ level: Finding.Level) {
    switch level {
    case .error: self = .red
    case .warning: self = .yellow
    case .note: self = .faint
    }
  }

  static let end = "\u{1B}[0m"

  var start: String {
    switch self {
    case .bold: "\u{1B}[1m"
    case .red: "\u{1B}[31m"
    case .yellow: "\u{1B}[33m"
    case .faint: "\u{1B}[2m"
    }
  }
}
