// SPDX-License-Identifier: MIT

public import Compression
public import Files
import Initramfs
import Leaf
import Newc
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
  /// The files of a payload that it holds, too, in order, and what is behind its first archive: the
  /// image that PID 1 unpacks. Empty if there is no payload.
  public let payload: [FilePiece]
  /// What newc cannot carry of that.
  public let xattrs: FilePiece?
  /// What pack or nest says about it.
  public let about: FilePiece?

  /// Whether it has the directory of a payload.
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
    let own = leading == .raw ? try Own(path) : nil

    self.file = file
    self.leading = leading
    self.start = start ?? 0
    isWrapped = own?.hasProgram ?? false
    isPacked = isWrapped && own?.hasDirectory ?? false
    payload = isPacked ? own?.payload ?? [] : []
    (xattrs, about) = (own?.xattrs, own?.about)
  }

  /// What the first member, a raw one, has of ours. What the kernel refuses in it does not matter
  /// here.
  private struct Own {
    var hasProgram = false
    var hasDirectory = false
    var xattrs: FilePiece?
    var about: FilePiece?

    private var members: [(name: [UInt8], piece: FilePiece)] = []
    private var tail: FilePiece?

    init(_ path: FilePath) throws(FileError) {
      let file = try InputFile(path)
      let size = file.size
      let reader = ImageReader(file)
      while let event = try reader.next() {
        switch event {
        case .entry(let record):
          add(record)
          reader.passOver()
        case .memberEnds(let member):
          let end = member.offset + member.size
          if end < size { tail = FilePiece(offset: end, size: size - end) }
          return
        default: break
        }
      }
    }

    var payload: [FilePiece] {
      if members.isEmpty { return [] }
      let sorted = members.sorted {
        $0.name.count != $1.name.count
          ? $0.name.count < $1.name.count : $0.name.lexicographicallyPrecedes($1.name)
      }
      return sorted.map(\.piece) + (tail.map { [$0] } ?? [])
    }

    private mutating func add(_ record: Record) {
      // Slashes and dots before a name say nothing in an initramfs.
      let components = record.entry.name.split(separator: UInt8(ascii: "/"))
        .filter { !$0.elementsEqual(".".utf8) }
      let isOurs = { (index: Int, name: String) in components[index].elementsEqual(name.utf8) }
      if components.count == 1 {
        hasProgram = hasProgram || isOurs(0, leafName)
        hasDirectory = hasDirectory || isOurs(0, payloadName)
      }
      guard components.count == 2, isOurs(0, payloadName), record.entry.type == .regular else {
        return
      }
      let piece = FilePiece(
        offset: Int64(record.offset) + Int64(Header.size + record.entry.name.count + 4) & ~3,
        size: Int64(record.entry.size))
      if components[1].allSatisfy({ (0x30...0x39).contains($0) }) {
        members.append((Array(components[1]), piece))
      } else if isOurs(1, "\(Vocabulary.xattrs)") {
        xattrs = piece
      } else if isOurs(1, "\(Vocabulary.about)") {
        about = piece
      }
    }
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
