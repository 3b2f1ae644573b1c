// SPDX-License-Identifier: MIT

public import Compression
public import Newc
public import SystemPackage

/// One piece of an image: a raw archive up to its trailer, or a compressed member.
public struct Member: Equatable, Sendable {
  /// Bytes from the start of the image to its first byte.
  public var offset: Int64
  /// Bytes in the image, without the padding between members.
  public var size: Int64 = 0
  /// How it is encoded.
  public var codec: Codec
  /// Bytes of newc.
  public var unpackedSize: UInt64 = 0
  /// Records, without the trailer.
  public var entries = 0
  /// The check at the end of a gzip or lzop member is wrong, which no kernel notices.
  public var isCheckWrong = false
  /// Bytes that the kernel's decompressor takes while it unpacks the member.
  public var workspace = 0

  /// A member that begins at `offset`.
  public init(offset: Int64, codec: Codec) {
    self.offset = offset
    self.codec = codec
  }
}

/// One record of an image.
public struct Record: Equatable, Sendable {
  /// The file, as the kernel understands the header.
  public var entry: Entry
  /// What a symbolic link leads to.
  public var target: [UInt8]
  /// Bytes from the start of the member's newc to the header; in a raw member from the start of
  /// the image.
  public var offset: UInt64
  /// Whether the header has a sum of the data.
  public var isSummed: Bool
}

/// Where the kernel stops, and why: `Initramfs unpacking failed: …`.
public struct Refusal: Equatable, Sendable {
  /// Bytes from the start of the image; inside a compressed member to its beginning.
  public var offset: Int64
  /// Bytes from the start of the member's newc, if the fault lies there.
  public var unpackedOffset: UInt64?
  /// What is there.
  public var found: String
  /// What should be there.
  public var expected: String
  /// What the kernel says.
  public var kernelMessage: String

  /// The same as an error about the image at `path`.
  public func error(_ path: FilePath) -> FileError {
    let place = unpackedOffset.map { " (byte \($0) unpacked)" } ?? ""
    return FileError(path, offset: offset, found: found + place, expected: expected)
  }
}

/// What an image turned out to be.
public struct Reading: Equatable, Sendable {
  /// The members, in order; the one that was refused is the last.
  public var members: [Member] = []
  /// Bytes of padding between members and behind the last.
  public var padding: Int64 = 0
  /// Why the kernel would stop; nil if it takes all of the image.
  public var refusal: Refusal?
  /// Where the record begins inside which the image ends, in a raw archive; nil if it does not.
  /// The kernel says nothing of that.
  public var cutRecord: Int64?
  /// Bytes of the image.
  public var size: Int64

  /// A reading of an image of `size` bytes.
  public init(size: Int64 = 0) { self.size = size }

  /// The image ends inside a record of a raw archive.
  public var isCutShort: Bool { cutRecord != nil }

  /// What is wrong with the image at `path`: where the kernel stops, or what it does not notice.
  public func damage(_ path: FilePath) -> FileError? {
    if let refusal { return refusal.error(path) }
    if let cutRecord {
      return FileError(
        path, offset: size, found: "the end of the file",
        expected: "more of the record at \(cutRecord)")
    }
    guard let member = members.first(where: \.isCheckWrong) else { return nil }
    return FileError(path, "checksum error in the \(member.codec) member at \(member.offset)")
  }
}

/// What a visitor wants of a file's data.
public enum Wish: Sendable {
  /// All of it.
  case data
  /// Nothing, but its sum must be right if it has one.
  case verified
  /// Nothing at all: the kernel could not create the file.
  case nothing
}

/// Gets what an image holds, in the kernel's order.
public protocol ImageVisitor {
  /// A member begins; only its offset and codec are known.
  mutating func begin(_ member: Member) throws
  /// A file. For a regular one, the answer decides about ``data(_:)`` and ``endOfData()``.
  mutating func entry(_ record: Record) throws -> Wish
  /// The next bytes of the last entry's data; they are valid during this call.
  mutating func data(_ bytes: Span<UInt8>) throws
  /// All of the last entry's data has come.
  mutating func endOfData() throws
  /// `TRAILER!!!`: the kernel forgets which names were hard links.
  mutating func trailer() throws
  /// A record that the kernel passes over.
  mutating func skipped(_ record: Record, _ why: Reader.Skip) throws
  /// A member ends; all about it is known.
  mutating func end(_ member: Member) throws
}

extension ImageVisitor {
  public mutating func begin(_ member: Member) {}
  public mutating func data(_ bytes: Span<UInt8>) {}
  public mutating func endOfData() {}
  public mutating func trailer() {}
  public mutating func skipped(_ record: Record, _ why: Reader.Skip) {}
  public mutating func end(_ member: Member) {}
}
