// SPDX-License-Identifier: MIT

public import Compression
public import Files
import Initramfs
import Leaf
public import SystemPackage

/// An initramfs in a file: any sequence of zero bytes, raw newc archives and compressed ones.
///
/// Reads only its beginning. Source: Linux, init/initramfs.c, `unpack_to_rootfs`.
public struct ImageFile: ~Copyable {
  /// The bytes.
  public let file: InputFile
  /// The encoding of the first member.
  public let leading: Codec
  /// Where the first member starts: the offset of the first byte that is not zero.
  public let start: Int64
  /// Whether the first member is a raw archive that holds our PID 1.
  public let isWrapped: Bool
  /// Whether it holds a payload, too.
  public let isPacked: Bool

  /// The name of our PID 1 in the image.
  public static let leafName = "\(Vocabulary.program)"

  /// The name of the payload's directory in the image.
  public static let payloadName = "\(Vocabulary.payload)"

  /// Opens the image at `path`.
  /// - Throws: ``FileError`` if it does not start like an initramfs; it names what it looks like.
  public init(_ path: FilePath) throws(FileError) {
    let file = try InputFile(path)
    let start = try file.firstNonZero(from: 0)
    let leading = try ImageFile.leading(of: file, at: start)
    let names = leading == .raw ? try ImageFile.leadingNames(path) : []

    self.file = file
    self.leading = leading
    self.start = start ?? 0
    isWrapped = names.contains(ImageFile.leafName)
    isPacked = isWrapped && names.contains(ImageFile.payloadName)
  }

  /// Which of our names the first member, a raw one, has at its root. What the kernel refuses in it
  /// does not matter here.
  private static func leadingNames(_ path: FilePath) throws(FileError) -> Set<String> {
    var names: Set<String> = []
    let reader = ImageReader(try InputFile(path))
    while let event = try reader.next() {
      switch event {
      case .entry(let record):
        if let name = ownName(record.entry.name) { names.insert(name) }
        reader.passOver()
      case .memberEnds: return names
      default: break
      }
    }
    return names
  }

  /// Slashes and dots before a name say nothing in an initramfs.
  private static func ownName(_ name: [UInt8]) -> String? {
    let components = name.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(".".utf8) }
    guard components.count == 1 else { return nil }
    return [leafName, payloadName].first { components[0].elementsEqual($0.utf8) }
  }

  private static func leading(
    of file: borrowing InputFile, at start: Int64?
  ) throws(FileError) -> Codec {
    guard let start else {
      throw FileError(file.path, file.size == 0 ? "is empty" : "has only zero bytes")
    }

    let head = try file.bytes(at: start, count: 8)
    guard let codec = Codec(magicOf: head) else {
      if let name = try Lookalike.name(of: file) {
        throw FileError(file.path, "is \(name), not an initramfs")
      }
      throw FileError(
        file.path, offset: start, found: quoted(head),
        expected: "newc or a compressed member")
    }
    // The kernel recognises a raw archive only at a multiple of 4; elsewhere it searches for a
    // compressor with this magic.
    guard codec != .raw || start % 4 == 0 else {
      throw FileError(
        file.path, offset: start, found: "a newc archive",
        expected: "its offset to be a multiple of 4")
    }
    return codec
  }

  /// - Throws: ``FileError`` if this image starts with our PID 1.
  public func refuseIfWrapped() throws(FileError) {
    if isWrapped {
      throw FileError(file.path, "is already wrapped: its first archive has /\(ImageFile.leafName)")
    }
  }
}
