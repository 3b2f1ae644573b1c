// SPDX-License-Identifier: MIT

public import Files
public import Images
import Initramfs
import Leaf
import Newc
public import SystemPackage

/// The images of a boot, in the order the boot loader loads them.
public final class LoadedImages: Sendable {
  /// How the leaf is made.
  public enum Form: Equatable, Sendable {
    /// No image has PID 1.
    case plain
    /// PID 1 moves the tree: a wrapped image, a leaf segment, or an image into which a hook put PID
    /// 1.
    case wrapped
    /// PID 1 unpacks the tree: a packed or nested image.
    case packed
    /// PID 1 unpacks the tree from a file that the boot loader makes of an unmodified image.
    case nested
  }

  /// One loaded image.
  public struct File: Equatable, Sendable {
    /// Its path on this machine.
    public var path: FilePath
    public var size: Int64
    /// The path in the tree of the file that the boot loader makes of it; nil for an image that the
    /// kernel unpacks.
    public var injectedAs: String?
  }

  public let files: [File]
  public let form: Form
  /// Everything that the kernel unpacks, as one image.
  public let inspection: Inspection
  /// What PID 1 unpacks.
  public let payload: Inspection?
  /// What is squashed in it; nil if nothing is.
  public let squash: PackedSquashfs?

  /// What the kernel or PID 1 would not unpack, with its place in the image at fault.
  public let damage: [FileError]

  /// Reads the images at `paths`.
  ///
  /// The image after the segment of `nest` is the payload.
  /// - Throws: ``FileError`` if one of them is not an initramfs or spoils another;
  ///   `CancellationError`.
  public init(_ paths: [FilePath]) throws {
    var images: [(path: FilePath, head: [UInt8], image: Image)] = []
    for path in paths {
      let image = try Image(InputFile(path))
      if let container = image.container {
        throw FileError(path, "no boot loader unpacks \(container)")
      }
      let isNested = images.last?.image.isSegment ?? false
      if isNested { try image.refuseIfWrapped() }
      images.append((path, isNested ? try Self.head(of: image) : [], image))
    }
    if let last = images.last, last.image.isSegment {
      throw FileError(last.path, "is the segment of nest: name the image to be nested after it")
    }

    let all = try Image(joining: images.map { ($0.head, $0.image) })
    try Self.refuseOverwriting(all)
    files = images.map { path, head, image in
      File(path: path, size: image.parts.size, injectedAs: head.isEmpty ? nil : Self.injected)
    }
    inspection = try Inspection(ImageSequence(all.parts), of: all.name)
    squash = try all.squash()
    payload = all.isPacked ? try Inspection(ImageSequence(all.tree), of: all.name) : nil
    damage = try Self.damage(
      all, [inspection, payload].compactMap { $0?.summary }, images.map(\.image))
    if all.isPacked {
      form = files.contains { $0.injectedAs != nil } ? .nested : .packed
    } else {
      form = inspection.contents.contains(where: \.hasLeaf) ? .wrapped : .plain
    }
  }

  /// The least memory in MiB that the images boot with: with the kernel's defaults, and with
  /// `initramfs_options=size=90%` if that makes a difference.
  public var memory: (least: Int, large: Int?) {
    if let payload, let squash {
      let least = payload.memory(packedIn: inspection, squash)
      let large = payload.memory(packedIn: inspection, squash, isLarge: true)
      return (least, large < least ? large : nil)
    }
    if let payload { return (payload.memory(packedIn: inspection), nil) }
    let need = inspection.memory
    return (need.stock, need.large < need.stock ? need.large : nil)
  }

  /// Whether a later image replaces the packed image's `/init`, which starts PID 1.
  var replacesInit: Bool {
    guard payload != nil, let last = inspection.contents.last(where: \.hasInit) else {
      return false
    }
    return !last.hasLeaf
  }

  /// - Throws: ``FileError`` if the kernel would write one payload over another.
  private static func refuseOverwriting(_ all: Image) throws(FileError) {
    guard all.overwritesPayload else { return }
    throw FileError(
      all.name,
      "two images would be \(injected): nest one of them with 'leafroot nest IMAGE -o OUT'")
  }

  private static func damage(
    _ all: Image, _ summaries: [ImageSummary], _ images: [Image]
  ) throws -> [FileError] {
    let together = try summaries.compactMap { try all.damage($0) }
    if together.isEmpty { return [] }
    let each = try images.compactMap { image in
      try image.damage(ImageReader(ImageSequence(image.parts)).finish())
    }
    return each.isEmpty ? together : each
  }

  /// Whether x86 microcode is in an image that becomes a file, where the kernel does not find it.
  public var hidesMicrocode: Bool {
    let count = { (inspection: Inspection) in
      inspection.contents.count { !$0.microcode.isEmpty }
    }
    return form == .nested && payload.map(count) ?? 0 > count(inspection)
  }

  /// The first file of the payload.
  private static let injected = "/\(Vocabulary.payload)/\(Vocabulary.nested)/0000"

  /// The header that a boot loader puts before an image to make a file of it.
  private static func head(of image: Image) throws -> [UInt8] {
    var entry = Entry(
      name: Array(injected.utf8), mode: Entry.FileType.regular.rawValue | 0o600)
    entry.size = UInt64(image.parts.size)
    var writer = Writer()
    var bytes: [UInt8] = []
    do throws(Writer.Refusal) {
      try writer.appendHead(of: entry, to: &bytes)
    } catch {
      throw FileError(
        image.name, "does not fit into a file of an initramfs: \(image.parts.size) bytes")
    }
    return bytes
  }
}
