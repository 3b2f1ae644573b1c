// SPDX-License-Identifier: MIT

import Compression
import Newc

/// Reads a whole image as the kernel does: init/initramfs.c, `unpack_to_rootfs`.
///
/// Any sequence of zero bytes, raw records and compressed members; each goes to an
/// ``ImageVisitor`` as it comes. It stops where the kernel stops, and says why. Memory does not
/// depend on the image's size.
///
///     var visitor = …
///     let reading = try ImageReader().read(InputFile(path), visiting: &visitor)
///     if let refusal = reading.refusal { throw refusal.error(path) }
public struct ImageReader: Sendable {
  /// What the kernel that is to boot does.
  public var rules: KernelRules

  /// A reader that reads as a kernel of these rules, the newest if none are given.
  public init(_ rules: KernelRules = KernelRules()) { self.rules = rules }

  /// Reads all of `source`.
  /// - Throws: ``FileError`` where it cannot be read, what `visitor` throws, and
  ///   `CancellationError`. What the kernel would refuse is no error but ``Reading/refusal``.
  public func read<Visitor: ImageVisitor>(
    _ source: borrowing some ByteSource & ~Copyable, visiting visitor: inout Visitor
  ) throws -> Reading {
    var walk = Walk<Visitor>(rules, imageSize: source.size)
    do {
      try walk.run(source, &visitor)
    } catch let refused as Refused {
      walk.reading.refusal = refused.refusal
      if refused.isTruncated { walk.memberReachesEnd() }
      try walk.endMember(&visitor)
    }
    walk.countPadding()
    return walk.reading
  }
}

extension ImageReader {
  /// Reads all of `source` for what it is and what is wrong with it; nobody gets its files.
  /// - Throws: ``FileError`` where it cannot be read; `CancellationError`.
  public func check(_ source: borrowing some ByteSource & ~Copyable) throws -> Reading {
    var nobody = Nobody()
    return try read(source, visiting: &nobody)
  }
}

private struct Nobody: ImageVisitor {
  mutating func entry(_ record: Record) -> Wish { .verified }
}

/// Carries a ``Refusal`` out of the loops.
struct Refused: Error {
  let refusal: Refusal
  /// It is the end of the image, inside a compressed member.
  var isTruncated = false
}

/// One run over an image.
struct Walk<Visitor: ImageVisitor> {
  var reading: Reading

  let rules: KernelRules
  let imageSize: Int64
  let window = Window()
  var reader: Reader
  var member: Member?
  // Where the last raw record ends.
  private var rawEnd: Int64 = 0
  // Where the compressed bytes end that records have come of; the window may be ahead.
  private var compressedEnd: Int64 = 0

  init(_ rules: KernelRules, imageSize: Int64) {
    self.rules = rules
    self.imageSize = imageSize
    reading = Reading(size: imageSize)
    reader = Reader(rules.records)
  }

  mutating func run(
    _ source: borrowing some ByteSource & ~Copyable, _ visitor: inout Visitor
  ) throws {
    while true {
      try Task.checkCancellation()
      try window.fill(2, from: source)
      guard let first = window.bytes.first else { return }
      if first == UInt8(ascii: "0"), window.offset % 4 == 0 {
        try raw(source, &visitor)
      } else if first == 0 {
        let zeros = window.bytes.prefix { $0 == 0 }.count
        window.advance(Int64(zeros))
      } else {
        try compressed(first, source, &visitor)
      }
    }
  }

  // MARK: Raw archives

  private mutating func raw(
    _ source: borrowing some ByteSource & ~Copyable, _ visitor: inout Visitor
  ) throws {
    reader.offset = UInt64(window.offset)
    reader.resume()
    repeat {
      try window.fill(1, from: source)
      let bytes = window.bytes
      guard !bytes.isEmpty else {
        if !reader.isBetweenRecords {
          let offset = Int64(reader.recordOffset)
          reading.cutRecord = offset
          // Not where it ends in the data of a trailer: that has ended its member.
          if member == nil, offset >= rawEnd {
            try begin(Member(offset: offset, codec: .raw), &visitor)
          }
          rawEnd = imageSize
        }
        break
      }
      let isForeign = try events(of: bytes, &visitor)
      let taken = Int64(reader.offset) - window.offset
      // What is skipped need not be read.
      let left = min(reader.skippable, UInt64(max(0, imageSize - Int64(reader.offset))))
      reader.leftOut(left)
      window.advance(taken + Int64(left))
      if isForeign { break }
      try Task.checkCancellation()
    } while true
    try endMember(&visitor)
  }

  // MARK: Compressed members

  private mutating func compressed(
    _ first: UInt8, _ source: borrowing some ByteSource & ~Copyable, _ visitor: inout Visitor
  ) throws {
    let head = window.bytes
    guard head.count >= 2, let codec = Codec(kernelMagic: head[0], head[1]),
      rules.codecs.contains(codec)
    else {
      throw refused(
        found: quoted(head.prefix(8)), expected: "newc, a compressed member, or zero bytes",
        "invalid magic at start of compressed archive")
    }
    try begin(Member(offset: window.offset, codec: codec), &visitor)
    reader.beginMember()
    compressedEnd = window.offset
    try withUnsafePointer(to: source) { try decode(Decoder(codec, rules.members), $0, &visitor) }
    try endMember(&visitor)

    guard reader.isBetweenRecords else {
      throw refused(
        found: "the end of the \(codec) member", expected: "the rest of a record",
        "junk at the end of compressed archive", inside: reading.members.last, at: reader.offset)
    }
  }

  /// Decodes, on a second thread if there is a check to do beside it and the member may be large.
  private mutating func decode<Source: ByteSource & ~Copyable>(
    _ decoder: consuming Decoder, _ source: UnsafePointer<Source>, _ visitor: inout Visitor
  ) throws {
    let isLarge = imageSize - window.offset >= DecodingThread<Source>.threshold
    let isParallel = isLarge && decoder.hasCheck
    let decoding = Decoding(decoder, window, source)
    defer {
      member?.isCheckWrong = decoding.isCheckWrong
      member?.workspace = decoding.workspace
    }
    if isParallel {
      let thread = DecodingThread(decoding)
      defer { thread.join() }
      var isEnd = false
      while !isEnd {
        isEnd = try thread.next { piece, bytes in
          try take(piece, bytes, of: decoding, &visitor)
        }
      }
    } else {
      let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: decoding.bufferSize, alignment: 64)
      defer { buffer.deallocate() }
      var isEnd = false
      while !isEnd {
        let piece = try decoding.next(into: buffer)
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<piece.count])
        isEnd = try take(piece, bytes, of: decoding, &visitor)
      }
    }
  }

  private mutating func take<Source: ByteSource & ~Copyable>(
    _ piece: Decoding<Source>.Piece, _ bytes: UnsafeRawBufferPointer,
    of decoding: Decoding<Source>, _ visitor: inout Visitor
  ) throws -> Bool {
    try Task.checkCancellation()
    compressedEnd = piece.offset
    decoding.check(bytes)
    try unpacked(bytes, &visitor)
    return piece.isEnd
  }

  /// `flush_buffer`.
  private mutating func unpacked(
    _ bytes: UnsafeRawBufferPointer, _ visitor: inout Visitor
  ) throws {
    guard !bytes.isEmpty else { return }
    if try events(of: bytes, &visitor) {
      throw refused(
        found: "junk", expected: "a newc record or zero bytes",
        "junk within compressed archive", inside: member, at: reader.offset)
    }
  }

  // MARK: Records

  /// Hands over all that is in `bytes`.
  /// - Returns: Whether a byte comes that begins no record; `bytes` are taken up to there.
  private mutating func events(
    of bytes: UnsafeRawBufferPointer, _ visitor: inout Visitor
  ) throws -> Bool {
    let bytes = bytes.assumingMemoryBound(to: UInt8.self)
    let span = bytes.span
    var index = 0
    while true {
      switch try next(in: span, &index) {
      case .entry:
        try beginRecord(&visitor)
        let wish = try visitor.entry(record)
        if wish == .nothing || wish == .verified && reader.header.magic == .newc {
          reader.passOver()
        }
        wantsData = wish == .data
      case .data(let range):
        if wantsData { try visitor.data(span.extracting(range)) }
      case .end:
        if wantsData { try visitor.endOfData() }
      case .trailer:
        try beginRecord(&visitor)
        member?.entries -= 1
        try visitor.trailer()
        if member?.codec == .raw { try endMember(&visitor) }
      case .skipped(let why):
        try beginRecord(&visitor)
        try visitor.skipped(record, why)
      case .foreign: return true
      case .starved: return false
      }
    }
  }

  private var wantsData = false

  private var record: Record {
    Record(
      entry: reader.entry, target: reader.target, offset: reader.recordOffset,
      isSummed: reader.header.magic == .crc)
  }

  private mutating func next(
    in bytes: Span<UInt8>, _ index: inout Int
  ) throws -> Reader.Event {
    do throws(Reader.Malformed) {
      return try reader.next(in: bytes, from: &index)
    } catch {
      let isRaw = member == nil || member?.codec == .raw
      throw Refused(
        refusal: Refusal(
          offset: isRaw ? Int64(error.offset) : member?.offset ?? 0,
          unpackedOffset: isRaw ? nil : error.offset, found: error.reason.found,
          expected: error.reason.expected(rules.records), kernelMessage: error.reason.kernelMessage)
      )
    }
  }

  // MARK: Members

  private mutating func begin(_ new: Member, _ visitor: inout Visitor) throws {
    member = new
    try visitor.begin(new)
  }

  private mutating func beginRecord(_ visitor: inout Visitor) throws {
    if member == nil {
      try begin(Member(offset: Int64(reader.recordOffset), codec: .raw), &visitor)
    }
    member?.entries += 1
    // In a compressed member it is no offset of the image.
    if member?.codec == .raw { rawEnd = Int64(clamping: reader.recordEnd) }
  }

  /// Ends the member that was begun, if one was.
  mutating func endMember(_ visitor: inout Visitor) throws {
    guard var ended = member else { return }
    member = nil
    if ended.codec == .raw {
      ended.size = min(rawEnd, imageSize) - ended.offset
      ended.unpackedSize = UInt64(ended.size)
    } else {
      ended.size = compressedEnd - ended.offset
      ended.unpackedSize = reader.offset
    }
    reading.members.append(ended)
    try visitor.end(ended)
  }

  /// All that is left belongs to the compressed member, although no record came of it.
  mutating func memberReachesEnd() { compressedEnd = imageSize }

  mutating func countPadding() {
    let seen = min(imageSize, max(rawEnd, compressedEnd))
    let end = reading.refusal == nil ? imageSize : seen
    reading.padding = max(0, reading.members.reduce(end) { $0 - $1.size })
  }

  private func refused(
    found: String, expected: String, _ message: String, inside member: Member? = nil,
    at unpackedOffset: UInt64? = nil
  ) -> Refused {
    Refused(
      refusal: Refusal(
        offset: member?.offset ?? window.offset, unpackedOffset: unpackedOffset, found: found,
        expected: expected, kernelMessage: message))
  }
}
