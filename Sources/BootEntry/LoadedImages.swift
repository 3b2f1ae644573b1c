// SPDX-License-Identifier: MIT

public import Files
import Initramfs
public import Inspection
import Leaf
import Newc
import Packing
public import SystemPackage

/// The images of a boot, in the order in which the boot loader loads them.
public final class LoadedImages: Sendable {
  /// Who makes the leaf.
  public enum Form: Equatable, Sendable {
    /// None of them has PID 1.
    case plain
    /// PID 1 moves the tree: a wrapped image, a leaf segment, or an image in which a hook put it.
    case wrapped
    /// PID 1 unpacks the tree: a packed or nested image.
    case packed
    /// The same, from a file that the boot loader makes of an unmodified image.
    case nested
  }

  /// One of them.
  public struct Image: Equatable, Sendable {
    /// Where it is on this machine.
    public var path: FilePath
    public var size: Int64
    /// The path of the file that the boot loader makes of it; nil for an image that the kernel
    /// unpacks.
    public var injectedAs: String?
  }

  public let images: [Image]
  public let form: Form
  /// All that the kernel unpacks, as one image.
  public let inspection: Inspection
  /// What PID 1 unpacks.
  public let payload: Inspection?

  /// Reads the images at `paths`.
  ///
  /// The image behind the segment of `nest` is the payload.
  /// - Throws: ``FileError`` if one of them is not an initramfs, or spoils another;
  ///   `CancellationError`.
  public init(_ paths: [FilePath]) throws {
    var images: [Image] = []
    var (all, payload) = (ImageSequence(), ImageSequence())
    var packed: FilePath?
    var isSegment = false

    for path in paths {
      let image = try ImageFile(path)
      let isNested = isSegment
      isSegment = image.isPacked && image.payload.isEmpty
      if let packed, image.isWrapped {
        throw FileError(path, "has a PID 1 that would replace the one of \(packed)")
      }

      let size = image.file.size
      all.append(head: isNested ? try Self.head(of: path, size) : [], try InputFile(path))
      if image.isPacked { packed = path }
      if packed != nil, !isSegment {
        payload.append(try InputFile(path), pieces: image.payload)
      }
      images.append(Image(path: path, size: size, injectedAs: isNested ? Self.injected : nil))
    }
    if isSegment, let packed {
      throw FileError(packed, "is the segment of nest: name the image to be nested after it")
    }

    self.images = images
    let together = Self.together(paths)
    inspection = try Inspection(all, of: together)
    self.payload = packed == nil ? nil : try Inspection(payload, of: together)
    if packed != nil {
      form = images.contains { $0.injectedAs != nil } ? .nested : .packed
    } else {
      form = inspection.contents.contains(where: \.hasLeaf) ? .wrapped : .plain
    }
  }

  /// MiB of memory that the images boot with at least: with the kernel's defaults, and with
  /// `initramfs_options=size=90%` if that makes a difference.
  public var memory: (least: Int, large: Int?) {
    if let payload { return (MemoryNeed.packed(inspection.memory, payload), nil) }
    let need = inspection.memory
    return (need.stock, need.large < need.stock ? need.large : nil)
  }

  /// A packed image's `/init`, which starts PID 1, is replaced by the one of a later image.
  var replacesInit: Bool {
    guard payload != nil,
      let own = inspection.contents.firstIndex(where: \.hasLeaf)
    else { return false }
    return inspection.contents[(own + 1)...].contains(where: \.hasInit)
  }

  /// What the kernel or PID 1 would not unpack, with its place in the image.
  /// - Throws: ``FileError``.
  public func damage() throws -> [FileError] {
    let together = Self.together(images.map(\.path))
    let all = try [inspection, payload].compactMap { try $0?.reading.damage(together) }
    if all.isEmpty { return [] }
    let each = try images.compactMap { image in
      try ImageReader(ImageSequence(InputFile(image.path))).finish().damage(image.path)
    }
    return each.isEmpty ? all : each
  }

  /// What errors call all of them.
  private static func together(_ paths: [FilePath]) -> FilePath {
    FilePath(paths.map(\.string).joined(separator: " + "))
  }

  /// x86 microcode that the kernel does not find, since it is in a file.
  public var hidesMicrocode: Bool {
    form == .nested && payload?.contents.contains { !$0.microcode.isEmpty } ?? false
  }

  /// The first file of the payload.
  private static let injected = "/\(Vocabulary.payload)/\(Vocabulary.nested)/0000"

  /// What a boot loader puts before an image to make a file of it.
  private static func head(of path: FilePath, _ size: Int64) throws -> [UInt8] {
    var entry = Entry(
      name: Array(injected.utf8), mode: Entry.FileType.regular.rawValue | 0o600)
    entry.size = UInt64(size)
    var writer = Writer()
    var bytes: [UInt8] = []
    do throws(Writer.Refusal) {
      try writer.appendHead(of: entry, to: &bytes)
    } catch {
      throw FileError(path, "does not fit into a file of an initramfs: \(size) bytes")
    }
    return bytes
  }
}
