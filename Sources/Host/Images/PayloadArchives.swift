// SPDX-License-Identifier: MIT

import Compression
import Files
import Glibc
import Initramfs
import Leaf
import Newc

/// A payload in an image: the files of a directory in ``Vocabulary/payload``.
public struct PackedPayload: Sendable {
  /// The name of the directory.
  public let id: [UInt8]
  /// The images in it, in order.
  public internal(set) var members: [(name: [UInt8], piece: FilePiece)] = []
  /// The manifest that pack or nest wrote.
  public internal(set) var about: FilePiece?
  /// The squashfs, if some directories are squashed.
  public internal(set) var squash: FilePiece?
  /// The releases of the kernels for which it has modules to mount the squashfs.
  public internal(set) var kernels: [String] = []

  init(_ id: [UInt8]) { self.id = id }
}

/// LeafRoot's archives in an image: those with PID 1 and those with payloads.
///
/// Only raw archives count: the content of a compressed one is not a part of the file.
struct PayloadArchives: Sendable {
  /// Whether PID 1 is in one of them.
  private(set) var hasProgram = false
  /// The names of payloads that occur repeatedly.
  private(set) var overwritten: [[UInt8]] = []

  /// The image in order, with payloads instead of LeafRoot's archives.
  private(set) var stretches: [Stretch] = []
  private var found: [[UInt8]: Payload] = [:]
  private var archive = Archive(start: 0)
  /// The end of the last of these archives, where foreign bytes begin.
  private var rest: Int64 = 0

  /// A part of the image.
  enum Stretch: Equatable {
    case ordinary(FilePiece)
    /// The payload of this name.
    case payload([UInt8])
  }

  private struct Payload {
    var files: [[UInt8]: FilePiece] = [:]
    var sidecars: [[UInt8]: FilePiece] = [:]
    var about: FilePiece?
    var squash: FilePiece?
    var kernels: Set<[UInt8]> = []
  }

  /// The raw archive that is being read.
  private struct Archive {
    var start: Int64
    var hasProgram = false
    var hasPayload = false
    /// The offset of the first record after those of the payload.
    var next: Int64?

    /// Where this archive ends for LeafRoot. A file that a boot loader made is a record without a
    /// trailer, and the next image follows in the same archive.
    func end(_ end: Int64) -> Int64 { hasProgram ? end : next ?? end }
  }

  /// Finds the archives, up to the first refusal of the kernel.
  /// - Parameter leading: The encoding of the first member.
  init(of parts: ImageParts, leading: Codec) throws {
    // Avoid reading a compressed member: its reader decodes ahead.
    if leading != .raw, try !Self.mayBegin(in: parts, behind: 0) { return }
    let reader = ImageReader(ImageSequence(parts))
    var isRaw = false
    while let event = try reader.next() {
      switch event {
      case .memberBegins(let member):
        isRaw = member.codec == .raw
        archive = Archive(start: member.offset)
        if !isRaw, try !Self.mayBegin(in: parts, behind: member.offset) {
          finish(at: parts.size)
          return
        }
      case .entry(let record):
        if isRaw { add(record) }
        reader.passOver()
      case .memberEnds(let member): endArchive(at: member.offset + member.size)
      default: break
      }
    }
    endArchive(at: parts.size)
    finish(at: parts.size)
  }

  /// Whether a raw archive with a payload may follow: its names would be there, uncompressed.
  private static func mayBegin(
    in parts: ImageParts, behind offset: Int64
  ) throws(FileError) -> Bool {
    let name = Array("\(Vocabulary.payload)/".utf8)
    return try parts.search(from: offset, overlap: name.count) { $0.firstIndex(of: name) } != nil
  }

  private mutating func endArchive(at end: Int64) {
    if archive.hasPayload { rest = archive.end(end) }
    archive = Archive(start: end)
  }

  /// Ends a stretch of foreign bytes.
  private mutating func finish(at end: Int64) {
    if end > rest { stretches.append(.ordinary(FilePiece(offset: rest, size: end - rest))) }
  }

  // MARK: Records

  /// The common prefix of LeafRoot's file names, after dots and slashes.
  private static let beginning = Array("\(Vocabulary.program)".utf8)

  private mutating func add(_ record: Record) {
    // Nearly all entries are foreign.
    let start = record.entry.name.drop { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ".") }
    guard start.starts(with: Self.beginning) else { return pass(record) }
    // Leading slashes and dots have no meaning in an initramfs.
    let components = record.entry.name.split(separator: UInt8(ascii: "/"))
      .filter { !$0.elementsEqual(".".utf8) }
    guard components[0].elementsEqual("\(Vocabulary.payload)".utf8) else {
      if components.count == 1, components[0].elementsEqual(Self.beginning) {
        hasProgram = true
        archive.hasProgram = true
      }
      return pass(record)
    }
    if !archive.hasPayload {
      archive.hasPayload = true
      finish(at: archive.start)
    }
    archive.next = nil
    add(record, components)
  }

  private mutating func pass(_ record: Record) {
    if archive.hasPayload, archive.next == nil { archive.next = Int64(record.offset) }
  }

  private mutating func add(_ record: Record, _ components: [ArraySlice<UInt8>]) {
    guard components.count > 1 else { return }
    let id = Array(components[1])
    if found[id] == nil {
      found[id] = Payload()
      stretches.append(.payload(id))
    }
    if components.count == 4, components[2].elementsEqual("\(Vocabulary.modules)".utf8) {
      found[id]?.kernels.insert(Array(components[3]))
    }
    guard components.count == 3, record.entry.type == .regular else { return }
    let piece = FilePiece(
      offset: Int64(record.offset) + Int64(Header.size + record.entry.name.count + 4) & ~3,
      size: Int64(record.entry.size))
    add(Array(components[2]), piece, to: id)
  }

  private mutating func add(_ name: [UInt8], _ piece: FilePiece, to id: [UInt8]) {
    if Self.isNumber(name) {
      if found[id]?.files.updateValue(piece, forKey: name) != nil { overwrite(id) }
    } else if let owner = Self.sidecarOwner(name) {
      found[id]?.sidecars[owner] = piece
    } else if name.elementsEqual("\(Vocabulary.about)".utf8) {
      found[id]?.about = piece
    } else if name.elementsEqual("\(Vocabulary.squash)".utf8) {
      found[id]?.squash = piece
    }
  }

  /// Notes a repetition: PID 1 unpacks the payload at its last place.
  private mutating func overwrite(_ id: [UInt8]) {
    if !overwritten.contains(id) { overwritten.append(id) }
    stretches.removeAll { $0 == .payload(id) }
    stretches.append(.payload(id))
  }

  private static func isNumber(_ name: [UInt8]) -> Bool {
    !name.isEmpty && name.allSatisfy { (0x30...0x39).contains($0) }
  }

  /// The name of the file that this sidecar belongs to; nil if `name` is not a sidecar's.
  private static func sidecarOwner(_ name: [UInt8]) -> [UInt8]? {
    let suffix = Array("\(Sidecar.suffix)".utf8)
    let owner = Array(name.dropLast(suffix.count))
    return name.elementsEqual(owner + suffix) && isNumber(owner) ? owner : nil
  }

  // MARK: What has been found

  /// The payloads, in the order in which PID 1 unpacks them.
  var payloads: [PackedPayload] {
    stretches.compactMap { stretch in
      if case .payload(let id) = stretch { payload(id) } else { nil }
    }
  }

  func payload(_ id: [UInt8]) -> PackedPayload {
    var payload = PackedPayload(id)
    guard let found = found[id] else { return payload }
    payload.about = found.about
    payload.squash = found.squash
    payload.kernels = found.kernels.map { String(decoding: $0, as: UTF8.self) }.sorted()
    payload.members = found.files.map { name, piece in
      var piece = piece
      piece.sidecar = found.sidecars[name].map {
        SidecarPiece(
          name: id + [UInt8(ascii: "/")] + name + Array("\(Sidecar.suffix)".utf8),
          offset: $0.offset, size: $0.size)
      }
      return (name, piece)
    }
    .sorted {
      $0.name.count != $1.name.count
        ? $0.name.count < $1.name.count : $0.name.lexicographicallyPrecedes($1.name)
    }
    return payload
  }
}

extension UnsafeRawBufferPointer {
  /// The index of the first occurrence of `bytes`, which must not be empty.
  fileprivate func firstIndex(of bytes: [UInt8]) -> Int? {
    var rest = self[...]
    // memchr(3) examines many bytes at once.
    while let start = rest.base(), let found = memchr(start, Int32(bytes[0]), rest.count) {
      rest = rest.dropFirst(UnsafeRawPointer(found) - start)
      if rest.starts(with: bytes) { return rest.startIndex }
      rest = rest.dropFirst()
    }
    return nil
  }
}

extension Slice<UnsafeRawBufferPointer> {
  fileprivate func base() -> UnsafeRawPointer? {
    UnsafeRawBufferPointer(rebasing: self).baseAddress
  }
}
