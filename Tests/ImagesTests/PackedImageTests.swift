// SPDX-License-Identifier: MIT

import Files
import Images
import Initramfs
import Newc
import OddImages
import SystemPackage
import TestSupport
import Testing

/// What an image has for PID 1, told by its raw archives, and the tree that runs.
@Suite struct PackedImageTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// One of the images that are put one behind the other.
  enum Part: CaseIterable {
    case raw, compressed, packed, other, leaf

    var name: String { "\(self)" }

    /// The names that it brings to the tree.
    var brings: [String] {
      switch self {
      case .packed, .other: ["\(name)0", "\(name)1"]
      case .raw, .compressed, .leaf: [self == .leaf ? "leafroot" : name]
      }
    }

    var bytes: [UInt8] {
      switch self {
      case .raw: archive([.file("raw", "content")])
      case .compressed: try! Compressor.zstd.compress(archive([.file("compressed", "content")]))
      case .packed, .other: PackedImageTests.packed(name)
      case .leaf: archive([.file("leafroot", "program", 0o755)])
      }
    }
  }

  private static func packed(_ id: String, isWhole: Bool = true) -> [UInt8] {
    var records: [OddRecord] = [
      .file("leafroot", "program", 0o755), .link("init", to: "/leafroot"),
      .directory(".leafroot"), .directory(".leafroot/\(id)"), .file(".leafroot/\(id)/start"),
    ]
    for number in 0..<2 {
      records.append(
        OddRecord.file(".leafroot/\(id)/000\(number)").with {
          $0.data = try! Compressor.zstd.compress(archive([.file("\(id)\(number)", "content")]))
        })
    }
    if isWhole { records.append(.file(".leafroot/\(id)/about", "members 2\n")) }
    return archive(records)
  }

  private func image(_ parts: [[UInt8]]) throws -> Image {
    let bytes = parts.reduce(into: []) { $0 += $1 + zeros(-$1.count & 3) }
    return try Image(path: try directory.file("image", bytes))
  }

  private func names(_ parts: ImageParts) throws -> [String] {
    var names: [String] = []
    let reader = ImageReader(ImageSequence(parts))
    while let event = try reader.next() {
      guard case .entry(let record) = event else { continue }
      names.append(String(decoding: record.entry.name, as: UTF8.self))
      reader.skipData()
    }
    #expect(reader.summary.refusal == nil)
    return names
  }

  /// All sequences of up to four parts: 5 + 25 + 125 + 625.
  static let sequences: [[Part]] = (1...4).flatMap { length in
    (1..<length).reduce(Part.allCases.map { [$0] }) { all, _ in
      all.flatMap { head in Part.allCases.map { head + [$0] } }
    }
  }

  @Test func `each payload is in the place of its archive, wherever that is`() throws {
    let bytes = Dictionary(uniqueKeysWithValues: Part.allCases.map { ($0, $0.bytes) })
    for sequence in Self.sequences {
      let image = try image(sequence.map { bytes[$0]! })
      let packed = sequence.filter { $0 == .packed || $0 == .other }
      // A payload that comes again is unpacked where it came last.
      let payloads = packed.enumerated().filter { !packed[($0.offset + 1)...].contains($0.element) }
        .map(\.element)
      #expect(image.payloads.map { String(decoding: $0.id, as: UTF8.self) } == payloads.map(\.name))
      #expect(image.isPacked == !packed.isEmpty)
      #expect(!image.isSegment && !image.overwritesPayload)
      let isOurs = { (part: Part) in part == .packed || part == .other }
      let last = { (index: Int) in !sequence[(index + 1)...].contains(sequence[index]) }
      let expected = sequence.enumerated().filter { !isOurs($0.element) || last($0.offset) }
        .flatMap(\.element.brings)
      #expect(try names(image.tree) == expected, "\(sequence)")
      #expect(try image.missingFile() == nil)
    }
  }

  @Test func `a payload that is cut short is named, whichever of two it is`() throws {
    let (whole, cut) = (Self.packed("whole"), Self.packed("cut", isWhole: false))
    #expect(try image([whole, cut]).missingFile() == "cut/about")
    #expect(try image([cut, whole]).missingFile() == "cut/about")
  }

  @Test func `two files of one name from a boot loader are noticed`() throws {
    let (nested, other) = (Self.packed("nested"), Self.packed("other"))
    #expect(try image([nested, nested]).overwritesPayload)
    #expect(try image([nested, other, nested]).overwritesPayload)
    #expect(try !image([other, nested, other]).overwritesPayload)
  }

  @Test func `a payload without PID 1 is a directory like any other`() throws {
    let image = try image([archive([.directory(".leafroot"), .directory(".leafroot/a")])])
    #expect(!image.isPacked)
    #expect(try names(image.tree) == [".leafroot", ".leafroot/a"])
  }

  @Test func `each payload gets its own sidecar`() throws {
    func packed(_ id: String, _ xattr: String) -> [UInt8] {
      archive([
        .file("leafroot", "program", 0o755), .directory(".leafroot"), .directory(".leafroot/\(id)"),
        .file(".leafroot/\(id)/0000.extra", "x \(xattr)\n"),
        OddRecord.file(".leafroot/\(id)/0000").with { $0.data = archive([.file(id, "")]) },
        .file(".leafroot/\(id)/about", "members 1\n"),
      ])
    }
    let image = try image([packed("a", "no sidecar"), packed("b", "none either")])
    let summary = try ImageReader(ImageSequence(image.tree)).finish()
    let damage = try #require(try image.damage(summary))
    #expect(damage.description.contains("image: found a/0000.extra, line 1: 'x no sidecar'"))
    let other = try self.image([Part.packed.bytes, packed("b", "none either")])
    let found = try other.damage(ImageReader(ImageSequence(other.tree)).finish())
    #expect("\(found as Any)".contains("b/0000.extra, line 1: 'x none either'"))
  }
}
