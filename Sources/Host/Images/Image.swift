// SPDX-License-Identifier: MIT

import BootFacts
public import Compression
public import Files
public import Initramfs
import Leaf
public import SystemPackage
import Unpacking

/// An initramfs, which is any sequence of zero bytes, raw newc archives and compressed ones, in a
/// file or a part of one.
///
/// The file is opened only once, so that what was checked is what is written.
/// Source: Linux, init/initramfs.c, `unpack_to_rootfs`.
public struct Image: Sendable {
  /// The name in errors: the file, and the part of it.
  public let name: FilePath
  /// The file's permissions.
  public let permissions: FilePermissions
  /// The kind of file that contains the initramfs; nil if the file is itself an initramfs.
  public let container: String?
  /// Everything that the kernel unpacks.
  public let parts: ImageParts
  /// The encoding of the first member.
  public let leading: Codec
  /// The locations of PID 1 and of the payloads for it.
  private let archives: PayloadArchives
  /// The payloads, in the order in which PID 1 unpacks them.
  public let payloads: [PackedPayload]

  /// The name of PID 1 in an image.
  public static let leafName = "\(Vocabulary.program)"

  /// The name of the payloads' directory in an image.
  public static let payloadName = "\(Vocabulary.payload)"

  /// Finds the image in `file`, and LeafRoot's parts of it.
  /// - Throws: ``FileError`` if it does not start like an initramfs, naming what it looks like;
  ///   `CancellationError`.
  public init(_ file: InputFile) throws {
    let place = try Self.place(in: file)
    (name, container, parts) = (place.name, place.container, place.parts)
    permissions = file.permissions
    leading = try Self.leading(of: parts, place)
    archives = try PayloadArchives(of: parts, leading: leading)
    payloads = archives.hasProgram ? archives.payloads : []
  }

  /// Opens the file at `path`, or standard input.
  /// - Throws: as ``init(_:)``.
  public init(path: FilePath) throws {
    try self.init(try InputFile.copyingPipe(path))
  }

  // MARK: Where it is

  private struct Place {
    let file: InputFile
    var name: FilePath
    var container: String?
    var parts: ImageParts

    init(_ file: InputFile) {
      self.file = file
      name = file.path
      parts = ImageParts(file)
    }
  }

  private static func place(in file: InputFile) throws(FileError) -> Place {
    var place = Place(file)
    if let unified = try UnifiedKernelImage(file) {
      let sections = unified.initrd
      guard !sections.isEmpty else {
        throw FileError(file.path, "is a unified kernel image without an initramfs (.initrd)")
      }
      let names = sections.map(\.name).joined(separator: " + ")
      place.name = FilePath("\(file.path): \(names)")
      place.container = "\(names) of a unified kernel image"
      place.parts = ImageParts(file, sections.map(\.piece))
    } else if let uBoot = try UBootImage(file) {
      place.name = FilePath("\(file.path): ramdisk")
      place.container = "the ramdisk of a U-Boot image"
      place.parts = ImageParts(file, [uBoot.ramdisk])
    }
    return place
  }

  private static func leading(of parts: ImageParts, _ place: Place) throws(FileError) -> Codec {
    guard let start = try parts.firstNonZero() else {
      throw FileError(place.name, parts.size == 0 ? "is empty" : "has only zero bytes")
    }

    let head = try parts.bytes(at: start, count: 8)
    guard let codec = Codec(magicOf: head) else {
      if place.container == nil, let name = try Lookalike.name(of: place.file) {
        throw FileError(place.name, "is \(name), not an initramfs")
      }
      throw FileError(
        place.name, offset: start, found: quoted(head),
        expected: "newc or a compressed member")
    }
    // The kernel recognises a raw archive only at a multiple of 4; elsewhere it looks for a
    // compressor with this magic number.
    guard codec != .raw || start % 4 == 0 else {
      throw FileError(
        place.name, offset: start, found: Misalignment.found,
        expected: Misalignment.expected(start))
    }
    return codec
  }

  // MARK: What it has of ours

  /// Whether one of its raw archives contains PID 1.
  public var isWrapped: Bool { archives.hasProgram }

  /// Whether it has a payload, or is the segment to which a boot loader adds one.
  public var isPacked: Bool { !payloads.isEmpty }

  /// Whether it is the segment to which a boot loader adds a payload.
  public var isSegment: Bool {
    isPacked && payloads.allSatisfy { $0.id == Self.nested && $0.members.isEmpty }
  }

  private static let nested = Array("\(Vocabulary.nested)".utf8)

  /// Whether a payload that a boot loader makes a file of overwrites another. The names of all
  /// other payloads are digests: the same name means the same content.
  public var overwritesPayload: Bool {
    archives.overwritten.contains(Self.nested)
  }

  /// The image with the tree that runs: the payloads' files replace PID 1 and the payloads'
  /// archives. The whole image if it has no payload. What is in a squashfs is missing.
  public var tree: ImageParts { tree(with: [:]) }

  /// The same, with members that have what is in the squashfs of payloads.
  /// - Parameter squashed: The members by the names of the payloads.
  package func tree(with squashed: [[UInt8]: SquashMembers]) -> ImageParts {
    guard isPacked, !isSegment else { return parts }
    var tree = ImageParts()
    for stretch in archives.stretches {
      switch stretch {
      case .ordinary(let piece): tree.append(piece, of: parts)
      case .payload(let id):
        let payload = archives.payload(id)
        let pieces = payload.members.map(\.piece)
        let count = memberCount(of: payload)
        for piece in pieces.prefix(count) { tree.append(piece, of: parts) }
        if let members = squashed[id] {
          for piece in members.pieces { tree.append(piece, of: members.file) }
        }
        for piece in pieces.dropFirst(count) { tree.append(piece, of: parts) }
      }
    }
    return tree
  }

  /// The number of files that are unpacked before the squashfs is mounted.
  private func memberCount(of payload: PackedPayload) -> Int {
    (try? about(payload))?.members ?? payload.members.count
  }

  /// Returns what is wrong with the image: damage in `summary`, which is that of ``parts`` or
  /// ``tree``, or a file that a payload lacks.
  /// - Throws: ``FileError`` if there was not enough memory to decode a member.
  public func damage(_ summary: ImageSummary) throws(FileError) -> FileError? {
    if let damage = try summary.damage(name) { return damage }
    return try missingFile().map { file in
      FileError(name, "the payload has no file \(file): the image is cut short")
    }
  }

  /// The first file that one of its payloads lacks, as `ID/NAME`; nil if none is missing.
  public func missingFile() throws(FileError) -> String? {
    if isSegment { return nil }
    for payload in payloads {
      let missing =
        if let about = try about(payload) {
          Payload.firstMissing(of: about.members + about.over, in: payload.members.count) {
            payload.members[$0].name
          } ?? (about.squash.isEmpty || payload.squash != nil ? nil : Self.squashName)
        } else { Array("\(Vocabulary.about)".utf8) }
      if let missing {
        return String(decoding: payload.id + [UInt8(ascii: "/")] + missing, as: UTF8.self)
      }
    }
    return nil
  }

  /// The inits that its payloads were packed with, the last payload's first.
  public func realInits() throws(FileError) -> [[UInt8]] {
    var inits: [[UInt8]] = []
    for payload in payloads.reversed() {
      if let path = try about(payload)?.realInit { inits.append(path) }
    }
    return inits
  }

  private static let squashName = Array("\(Vocabulary.squash)".utf8)

  /// What is squashed in its payloads; nil if nothing is.
  public func squash() throws(FileError) -> PackedSquashfs? {
    var squash: PackedSquashfs?
    for payload in payloads {
      guard let image = payload.squash, let about = try about(payload) else { continue }
      squash = PackedSquashfs(image, about, kernels: payload.kernels, besides: squash)
    }
    return squash
  }

  /// The squashed directories of a payload, without a leading slash.
  package func squashedDirectories(of payload: PackedPayload) throws(FileError) -> [[UInt8]] {
    try about(payload)?.squash ?? []
  }

  private func about(_ payload: PackedPayload) throws(FileError) -> PayloadManifest? {
    // Read no more than PID 1 does, even from a hostile image.
    guard let about = payload.about, about.size <= 65536 else { return nil }
    return PayloadManifest(try parts.bytes(at: about.offset, count: Int(about.size)))
  }

  /// - Throws: ``FileError`` if this image contains LeafRoot's PID 1.
  public func refuseIfWrapped() throws(FileError) {
    if isPacked {
      throw FileError(name, "is already packed: it has /\(Image.payloadName)")
    }
    if isWrapped {
      throw FileError(name, "is already wrapped: it has /\(Image.leafName)")
    }
  }
}

extension Image {
  /// Joins images that a boot loader loads together into one.
  /// - Parameter images: The images in order, each with the header that makes it a file, if any.
  public init(joining images: [(head: [UInt8], image: Image)]) throws {
    var parts = ImageParts()
    for (head, image) in images { parts.append(head: head, image.parts) }
    self.parts = parts
    name = FilePath(images.map(\.image.name.string).joined(separator: " + "))
    permissions = .ownerReadWrite
    container = nil
    leading = images.first?.image.leading ?? .raw
    archives = try PayloadArchives(of: parts, leading: leading)
    payloads = archives.hasProgram ? archives.payloads : []
  }
}
