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
  /// Whether one of the raw archives that it begins with holds our PID 1: microcode may come first.
  public let isWrapped: Bool
  /// The image whose tree PID 1 makes: what is before the archive with our PID 1, the files of the
  /// payload in that archive, in order, and what is behind it. Empty if there is no payload.
  public let payload: [FilePiece]
  /// The names of the payload's files, in order.
  public let payloadNames: [[UInt8]]
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
    payloadNames = isPacked ? own?.sorted.map(\.name) ?? [] : []
    about = own?.about
  }

  /// What the first raw archive with our PID 1 has. What the kernel refuses in it does not matter
  /// here.
  private struct Own {
    var hasProgram = false
    var hasDirectory = false
    var about: FilePiece?

    private var sidecars: [[UInt8]: FilePiece] = [:]
    private var members: [(name: [UInt8], piece: FilePiece)] = []
    private var front: FilePiece?
    private var tail: FilePiece?

    init(_ path: FilePath) throws(FileError) {
      let file = try InputFile(path)
      let size = file.size
      let reader = ImageReader(file)
      while let event = try reader.next() {
        switch event {
        case .memberBegins(let member) where member.codec != .raw: return
        case .entry(let record):
          add(record)
          reader.passOver()
        case .memberEnds(let member) where hasProgram:
          let end = member.offset + member.size
          if member.offset > 0 { front = FilePiece(offset: 0, size: member.offset) }
          if end < size { tail = FilePiece(offset: end, size: size - end) }
          return
        case .memberEnds: (hasDirectory, members, sidecars, about) = (false, [], [:], nil)
        default: break
        }
      }
    }

    /// The files of the payload, in order.
    var sorted: [(name: [UInt8], piece: FilePiece)] {
      members.map { (name, piece) in
        var piece = piece
        piece.sidecar = sidecars[name].map {
          SidecarPiece(
            number: Int(String(decoding: name, as: UTF8.self)) ?? 0, offset: $0.offset,
            size: $0.size)
        }
        return (name, piece)
      }
      .sorted {
        $0.name.count != $1.name.count
          ? $0.name.count < $1.name.count : $0.name.lexicographicallyPrecedes($1.name)
      }
    }

    var payload: [FilePiece] {
      if members.isEmpty { return [] }
      return [front].compactMap { $0 } + sorted.map(\.piece) + [tail].compactMap { $0 }
    }

    /// The name of the file that a sidecar of that name belongs to; nil if it is none.
    private static func sidecarOwner(_ name: ArraySlice<UInt8>) -> [UInt8]? {
      let suffix = Array("\(Sidecar.suffix)".utf8)
      let owner = name.dropLast(suffix.count)
      guard name.dropFirst(owner.count).elementsEqual(suffix), !owner.isEmpty,
        owner.allSatisfy({ (0x30...0x39).contains($0) })
      else { return nil }
      return Array(owner)
    }

    /// What the names of our files begin with, but for dots and slashes.
    private let mark = Array(leafName.utf8)

    private mutating func add(_ record: Record) {
      // Nearly all entries are not ours.
      let start = record.entry.name.drop { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ".") }
      guard start.starts(with: mark) else { return }
      // Slashes and dots before a name say nothing in an initramfs.
      let components = record.entry.name.split(separator: UInt8(ascii: "/"))
        .filter { !$0.elementsEqual(".".utf8) }
      let isOurs = { (index: Int, name: String) in components[index].elementsEqual(name.utf8) }
      if components.count == 1 {
        hasProgram = hasProgram || isOurs(0, leafName)
        hasDirectory = hasDirectory || isOurs(0, payloadName)
      }
      guard components.count == 3, isOurs(0, payloadName), record.entry.type == .regular else {
        return
      }
      let piece = FilePiece(
        offset: Int64(record.offset) + Int64(Header.size + record.entry.name.count + 4) & ~3,
        size: Int64(record.entry.size))
      if components[2].allSatisfy({ (0x30...0x39).contains($0) }) {
        members.append((Array(components[2]), piece))
      } else if let number = Self.sidecarOwner(components[2]) {
        sidecars[number] = piece
      } else if isOurs(2, "\(Vocabulary.about)") {
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
        file.path, offset: start, found: Misalignment.found,
        expected: Misalignment.expected(start))
    }
    return codec
  }

  /// - Throws: ``FileError`` if this image has our PID 1.
  public func refuseIfWrapped() throws(FileError) {
    if isPacked {
      throw FileError(file.path, "is already packed: it has /\(ImageFile.payloadName)")
    }
    if isWrapped {
      throw FileError(file.path, "is already wrapped: it has /\(ImageFile.leafName)")
    }
  }
}
