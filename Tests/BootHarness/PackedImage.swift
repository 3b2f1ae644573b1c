// SPDX-License-Identifier: MIT

import Newc
import OddImages
import Packing

/// A second implementation of packed images, which shares no code with `leafroot pack`.
struct PackedImage: Sendable {
  /// The compressors of the members, in turn; empty for no compression.
  var compressors: [Compressor] = [.zstd]
  /// The number of members with files; 0 puts the whole tree into one file, as nest does.
  var parts = 3
  /// What stays compressed; nil for nothing.
  var squashed: SquashedDirectories?
  /// The sidecar data, by the files' names.
  var extras: [String: Extra] = [:]
  /// The content of the file `about`; nil for the right one.
  var about: String?
  /// The name of the payload's directory.
  var id = "0123456789abcdef"
  /// Called with the payload's files before they are put into the image.
  var damage: @Sendable (inout [[UInt8]]) -> Void = { _ in }

  /// The sidecar data of a record.
  struct Extra: Sendable {
    /// Extended attributes in the form `NAME=0xHEX`.
    var xattrs: [String] = []
    var time: Int?
  }

  /// The records of the image.
  func records(
    of tree: [(entry: Entry, data: [UInt8])], for architecture: Architecture = .x86
  ) throws -> [(entry: Entry, data: [UInt8])] {
    let outside = squashed?.outside(tree) ?? tree
    let files = try members(of: outside)

    let program = try GuestInit.built(for: architecture).bytes
    var records: [(entry: Entry, data: [UInt8])] = []
    let directory = ".leafroot/\(id)"
    func addDirectory(_ path: String) {
      records.append((Entry(name: Array(path.utf8), mode: 0o040700), []))
    }
    for path in [".leafroot", directory] { addDirectory(path) }
    func add(_ name: String, _ data: [UInt8]) {
      records.append((Entry(name: Array("\(directory)/\(name)".utf8), mode: 0o100600), data))
    }
    add("start", [])
    for file in try squashed?.files(tree) ?? [] {
      if let content = file.content {
        add(file.name, content)
      } else {
        addDirectory("\(directory)/\(file.name)")
      }
    }
    if parts > 0 { records += Self.skeleton(of: tree) }
    records.append((Entry(name: Array("leafroot".utf8), mode: 0o100755), program))
    records.append((Entry(name: Array("init".utf8), mode: 0o120777), Array("/leafroot".utf8)))
    let over = squashed?.overlying(tree) ?? []
    let sidecars = (parted(outside) + (over.isEmpty ? [] : [over])).map(sidecar)
    let overMembers = over.isEmpty ? [] : [try Segment(over).bytes]
    for (number, file) in (files + overMembers).enumerated() {
      let digits = String(number)
      let name = String(repeating: "0", count: 4 - digits.count) + digits
      let sidecar = number < sidecars.count ? sidecars[number] : ""
      if !sidecar.isEmpty { add("\(name).extra", Array(sidecar.utf8)) }
      add(name, file)
    }
    let lines = lines(outside, files.count) + (squashed?.lines(tree) ?? "")
    add("about", Array((about ?? lines).utf8))
    return records
  }

  private func sidecar(of records: [(entry: Entry, data: [UInt8])]) -> String {
    var (text, passed) = ("", 0)
    for record in records {
      guard let extra = extras[String(decoding: record.entry.name, as: UTF8.self)] else {
        passed += 1
        continue
      }
      if passed > 0 { text += "run \(passed)\n" }
      passed = 0
      if !extra.xattrs.isEmpty {
        text += "forget\nset \(extra.xattrs.joined(separator: " "))\n"
      }
      if let time = extra.time { text += "time \(time)\n" }
      text += extra.xattrs.isEmpty ? "run 1\n" : "run 1 1\n"
    }
    return text
  }

  /// The records that are outside the payload too, for later images.
  static func skeleton(of tree: [(entry: Entry, data: [UInt8])])
    -> [(entry: Entry, data: [UInt8])]
  {
    tree.filter { $0.entry.type == .directory || $0.entry.type == .symbolicLink }
  }

  /// The payload's files.
  func members(of tree: [(entry: Entry, data: [UInt8])]) throws -> [[UInt8]] {
    var files = try parted(tree).map { try Segment($0).bytes }
    if !compressors.isEmpty {
      for (number, newc) in files.enumerated() {
        files[number] = try compressors[number % compressors.count].compress(newc)
      }
    }
    damage(&files)
    return files
  }

  private func lines(_ tree: [(entry: Entry, data: [UInt8])], _ count: Int) -> String {
    let sizes = tree.filter { $0.entry.type == .regular }.map(\.data.count)
    let pages = [4096, 16_384, 65_536].map { page in
      String(sizes.reduce(1) { $0 + ($1 + page - 1) / page })
    }
    return """
      \(parts > 0 ? "members \(count)\n" : "")entries \(tree.count)
      bytes \(sizes.reduce(0, +))
      pages \(pages.joined(separator: " "))

      """
  }

  /// Entries without content come first; all names of a hard-linked file are in the second part.
  private func parted(_ tree: [(entry: Entry, data: [UInt8])])
    -> [[(entry: Entry, data: [UInt8])]]
  {
    guard parts > 0 else { return [tree] }
    var members = [[(entry: Entry, data: [UInt8])]](repeating: [], count: 1 + parts)
    var next = 0
    for record in tree {
      if record.entry.type != .regular {
        members[0].append(record)
      } else if record.entry.linkCount > 1 {
        members[1].append(record)
      } else {
        members[1 + next % parts].append(record)
        next += 1
      }
    }
    return members
  }
}
