// SPDX-License-Identifier: MIT

import Compression
import Newc

/// Reads a whole image as the kernel does: init/initramfs.c, `unpack_to_rootfs`.
///
/// An image is any sequence of zero bytes, raw records and compressed members. ``next()`` returns
/// what is in it piece by piece, up to where the kernel stops; ``summary`` says why it stops.
/// Memory use does not depend on the image's size.
///
///     let reader = ImageReader(try InputFile(path))
///     while let event = try reader.next() { … }
///     if let refusal = reader.summary.refusal { … }
public final class ImageReader<Source: ImageSource & ~Copyable> {
  /// What the image turned out to be, as far as it has been read.
  public private(set) var summary: ImageSummary

  private let rules: KernelRules
  private let decoders: DecoderStore
  private let window: Window<Source>
  private var reader: Reader
  private var stage = Stage.between
  private var member: Member?
  private var wantsData = true

  // The bytes that records are read from, how many are taken, and whether they end their member.
  private var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
  private var index = 0
  private var isLastPiece = false
  private var pieces: DecodedPieces<Source>?

  // Events that are found together.
  private var queue: [ImageEvent] = []

  // Why the source has ended the reading. Not in the window, which another thread may use.
  private var ending: Source.Failure?

  // The sidecar of the current file, and the member it was last looked up for.
  private var sidecar = CurrentSidecar()

  // Where the last raw record ends.
  private var rawEnd: Int64 = 0
  // Where the compressed bytes end that records have been read from; the window may be ahead.
  private var compressedEnd: Int64 = 0

  /// A reader at the start of `source` that follows `rules`.
  ///
  /// - Parameter decoders: those of earlier readers.
  public init(
    _ source: consuming Source, _ rules: KernelRules = KernelRules(),
    _ decoders: DecoderStore = DecoderStore()
  ) {
    self.rules = rules
    self.decoders = decoders
    window = Window(source)
    reader = Reader(rules.records)
    summary = ImageSummary(size: window.source.size)
  }

  /// Returns the next event; nil where the image ends, or the kernel stops.
  /// - Throws: why the source cannot be read.
  public func next() throws(Source.Failure) -> ImageEvent? {
    do throws(Stop) {
      while queue.isEmpty, stage != .over {
        if let event = try advance() { return event }
      }
    } catch {
      switch error {
      case .source: if let failure = ending ?? window.failure { throw failure }
      case .refused(let refusal, let isTruncated): refuse(refusal, isTruncated)
      case .malformed(let fault): end(at: fault)
      }
    }
    return queue.isEmpty ? nil : queue.removeFirst()
  }

  /// Skips the data of the current file without verifying its sum, as the kernel does for a file
  /// that it cannot create. Call this after ``ImageEvent/entry(_:)``.
  public func passOver() { reader.passOver() }

  /// Skips the data of the current file, but verifies its sum, if it has one. Call this after
  /// ``ImageEvent/entry(_:)``.
  public func skipData() {
    if reader.header.magic == .newc { reader.passOver() } else { wantsData = false }
  }

  /// Reads the rest of the image for its summary alone, without handing out its files.
  @discardableResult
  public func finish() throws(Source.Failure) -> ImageSummary {
    while let event = try next() {
      if case .entry = event { skipData() }
    }
    return summary
  }

  /// Goes back to the start of the image.
  public func rewind() {
    pieces = nil
    window.rewind()
    reader = Reader(rules.records)
    summary = ImageSummary(size: window.source.size)
    stage = .between
    member = nil
    bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    index = 0
    queue = []
    ending = nil
    sidecar = CurrentSidecar()
    rawEnd = 0
    compressedEnd = 0
  }

  // MARK: Stages

  /// - Returns: nil if only the stage, or the queue, has changed.
  private func advance() throws(Stop) -> ImageEvent? {
    switch stage {
    case .between:
      try findMember()
      return nil
    case .raw, .compressed:
      return try nextRecordEvent()
    case .over:
      return nil
    }
  }

  private func findMember() throws(Stop) {
    try window.fill(2)
    guard let first = window.bytes.first else {
      if !summary.isCutShort { try finishSidecar() }
      return end()
    }
    if first == UInt8(ascii: "0"), window.offset % 4 == 0 {
      reader.offset = UInt64(window.offset)
      reader.resume()
      stage = .raw
      try loadRaw()
    } else if first == 0 {
      window.advance(Int64(window.bytes.prefix { $0 == 0 }.count))
    } else {
      try beginCompressed()
    }
  }

  /// Returns the next event in the loaded bytes; nil after loading others.
  private func nextRecordEvent() throws(Stop) -> ImageEvent? {
    while true {
      switch try nextInBytes() {
      case .entry:
        wantsData = true
        var record = record
        record.extra = try extra(of: record.entry)
        return inMember(.entry(record))
      case .data(let range):
        guard wantsData else { break }
        return .data(UnsafeRawBufferPointer(rebasing: bytes[range]))
      case .end:
        guard wantsData else { break }
        return .dataEnds
      case .trailer:
        let event = inMember(.trailer)
        member?.entries -= 1
        guard stage == .raw else { return event }
        if let event { queue.append(event) }
        endMember()
        return nil
      case .skipped(let why):
        return inMember(.skipped(record, why))
      case .foreign:
        guard stage == .raw else { throw junk() }
        leaveRaw()
        return nil
      case .starved:
        if stage == .raw { try reloadRaw() } else { try reloadCompressed() }
        return nil
      }
    }
  }

  private func nextInBytes() throws(Stop) -> Reader.Event {
    do throws(Reader.Malformed) {
      return try reader.next(in: bytes.assumingMemoryBound(to: UInt8.self).span, from: &index)
    } catch {
      let isRaw = member == nil || member?.codec == .raw
      throw .refused(
        Refusal(
          offset: isRaw ? Int64(error.offset) : member?.offset ?? 0,
          unpackedOffset: isRaw ? nil : error.offset,
          fault: .record(error.reason, takesSums: rules.records.takesSums)))
    }
  }

  private var record: Record {
    Record(
      entry: reader.entry, target: reader.target, offset: reader.recordOffset,
      isSummed: reader.header.magic == .crc)
  }

  /// Counts a record. The first record of a raw member is preceded by the member's beginning.
  private func inMember(_ event: ImageEvent) -> ImageEvent? {
    let isFirst = member == nil
    if isFirst { begin(Member(offset: Int64(reader.recordOffset), codec: .raw)) }
    member?.entries += 1
    // In a compressed member it is not an offset in the image.
    if member?.codec == .raw { rawEnd = Int64(clamping: reader.recordEnd) }
    guard isFirst else { return event }
    queue.append(event)
    return nil
  }

  // MARK: Sidecars

  /// Returns what the sidecar of the record's file says about the record.
  private func extra(of entry: Entry) throws(Stop) -> Extra? {
    let offset = member?.offset ?? Int64(reader.recordOffset)
    if offset != sidecar.memberOffset { try findSidecar(offset) }
    guard let number = sidecar.number else { return nil }
    let isBehindLink = sidecar.isBehindLink
    sidecar.isBehindLink = entry.type == .symbolicLink
    guard
      let extra = try askSidecar({ () throws(SidecarFailure<Source.Failure>) in
        try sidecar.reader.next { (offset, buffer) throws(Source.Failure) in
          try window.source.readSidecar(number, at: offset, into: buffer)
        }
      })
    else { return nil }
    if let sparse = extra.sparse, entry.type != .regular || sparse.count != entry.size {
      throw malformed("a regular file with as many bytes of data")
    }
    if extra.isLink, entry.type != .symbolicLink || !isBehindLink {
      throw malformed("a symbolic link behind another one")
    }
    return extra
  }

  /// Looks up the sidecar when a member begins, which may belong to another file of the payload.
  private func findSidecar(_ offset: Int64) throws(Stop) {
    sidecar.memberOffset = offset
    let number = window.source.sidecar(at: offset)
    if number == sidecar.number { return }
    try finishSidecar()
    sidecar = CurrentSidecar(number: number, memberOffset: offset)
  }

  /// Ends the sidecar after all records of its file.
  private func finishSidecar() throws(Stop) {
    guard let number = sidecar.number else { return }
    try askSidecar { () throws(SidecarFailure<Source.Failure>) in
      try sidecar.reader.finish { (offset, buffer) throws(Source.Failure) in
        try window.source.readSidecar(number, at: offset, into: buffer)
      }
    }
  }

  private func askSidecar<Value>(
    _ body: () throws(SidecarFailure<Source.Failure>) -> Value
  ) throws(Stop) -> Value {
    do throws(SidecarFailure<Source.Failure>) {
      return try body()
    } catch {
      switch error {
      case .source(let failure):
        ending = failure
        throw .source
      case .malformed(let fault): throw .malformed(fault)
      }
    }
  }

  private func malformed(_ expected: StaticString) -> Stop {
    .malformed(sidecar.reader.fault(expected))
  }

  private func end(at fault: SidecarFault) {
    var fault = fault
    if let number = sidecar.number { fault.file = window.source.sidecarName(number) }
    summary.sidecarFault = fault
    endMember()
    end()
  }

  // MARK: Raw archives

  private func loadRaw() throws(Stop) {
    try window.fill(1)
    bytes = window.bytes
    index = 0
  }

  /// Loads more bytes. Skipped data need not be read.
  private func reloadRaw() throws(Stop) {
    let taken = Int64(reader.offset) - window.offset
    let left = min(reader.skippable, UInt64(max(0, summary.size - Int64(reader.offset))))
    reader.leftOut(left)
    window.advance(taken + Int64(left))
    try consumed(upTo: window.offset)
    try loadRaw()
    guard bytes.isEmpty else { return }

    if !reader.isBetweenRecords {
      let offset = Int64(reader.recordOffset)
      summary.cutRecord = offset
      // Unless it ends in the data of a trailer, which has ended its member.
      if member == nil, offset >= rawEnd { begin(Member(offset: offset, codec: .raw)) }
      rawEnd = summary.size
    }
    leaveRaw()
  }

  private func leaveRaw() {
    window.advance(Int64(reader.offset) - window.offset)
    endMember()
    stage = .between
  }

  // MARK: Compressed members

  private func beginCompressed() throws(Stop) {
    let head = window.bytes
    guard head.count >= 2, let codec = Codec(kernelMagic: head[0], head[1]),
      rules.codecs.contains(codec)
    else {
      throw .refused(Refusal(offset: window.offset, fault: .magic(Array(head.prefix(8)))))
    }
    begin(Member(offset: window.offset, codec: codec))
    reader.beginMember()
    compressedEnd = window.offset
    pieces = DecodedPieces(
      Decoding(try decoder(of: codec), window), decoders, of: summary.size - window.offset)
    bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    index = 0
    isLastPiece = false
    stage = .compressed
  }

  private func decoder(of codec: Codec) throws(Stop) -> Decoder {
    do throws(Decoder.Failure) {
      return try decoders.take(codec, rules.members)
    } catch {
      throw .refused(
        Refusal(offset: window.offset, fault: .member(codec, at: window.offset, error)))
    }
  }

  private func reloadCompressed() throws(Stop) {
    guard !isLastPiece, let pieces else { return try endCompressed() }
    let (piece, decoded) = try pieces.next()
    bytes = decoded
    index = 0
    isLastPiece = piece.isEnd
    compressedEnd = piece.offset
    try consumed(upTo: piece.offset)
  }

  private func endCompressed() throws(Stop) {
    let ended = member
    endMember()
    stage = .between
    guard reader.isBetweenRecords else {
      throw .refused(
        Refusal(
          offset: ended?.offset ?? 0, unpackedOffset: reader.offset,
          fault: .unfinishedRecord(ended?.codec ?? .raw)))
    }
  }

  /// `flush_buffer`.
  private func junk() -> Stop {
    .refused(
      Refusal(offset: member?.offset ?? 0, unpackedOffset: reader.offset, fault: .junk))
  }

  // MARK: Members

  private func begin(_ new: Member) {
    member = new
    queue.append(.memberBegins(new))
  }

  /// Ends the member that was begun, if one was.
  private func endMember() {
    guard var ended = member else { return }
    member = nil
    if ended.codec == .raw {
      ended.size = min(rawEnd, summary.size) - ended.offset
      ended.unpackedSize = UInt64(ended.size)
    } else {
      ended.size = compressedEnd - ended.offset
      ended.unpackedSize = reader.offset
    }
    if let pieces {
      // Its thread has ended, or ends now.
      self.pieces = nil
      ended.isCheckWrong = pieces.decoding.isCheckWrong
      ended.workspace = pieces.decoding.workspace
    }
    summary.members.append(ended)
    queue.append(.memberEnds(ended))
  }

  private func refuse(_ refusal: Refusal, _ isTruncated: Bool) {
    summary.refusal = refusal
    // The rest belongs to the compressed member, although no record came of it.
    if isTruncated { compressedEnd = summary.size }
    endMember()
    end()
  }

  private func end() {
    stage = .over
    let seen = min(summary.size, max(rawEnd, compressedEnd))
    let end = summary.refusal == nil ? summary.size : seen
    summary.padding = max(0, summary.members.reduce(end) { $0 - $1.size })
  }

  private func consumed(upTo offset: Int64) throws(Stop) {
    do throws(Source.Failure) {
      try window.source.consumed(upTo: offset)
    } catch {
      ending = error
      throw .source
    }
  }
}

// Not in the generic class, where its values would be handled through type metadata at run time.
private enum Stage {
  /// A member, padding, or the end is next.
  case between
  case raw
  case compressed
  case over
}

/// The sidecar of one file of a payload.
private struct CurrentSidecar {
  /// The file's number; nil if it has no sidecar.
  var number: Int?
  /// The member that it was last looked up for.
  var memberOffset: Int64 = -1
  var reader = SidecarReader()
  /// Whether the previous record was a symbolic link.
  var isBehindLink = false
}
