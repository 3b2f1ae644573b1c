// SPDX-License-Identifier: MIT

/// Reads newc records from bytes that arrive in pieces, as Linux does: init/initramfs.c,
/// `write_buffer` and its states.
///
/// Call ``next(in:from:)`` with a piece until it returns ``Event/starved``, then with the next
/// piece. The reader keeps a header and a name, but no data: it returns these as a range of the
/// piece. It throws ``Malformed`` where the kernel refuses the bytes; a record that the kernel
/// skips silently is an event. It does not judge what depends on the file tree.
public struct Reader: Sendable {
  /// What the reader found. Its fields describe the last ``entry`` or ``skipped(_:)``.
  public enum Event: Equatable, Sendable {
    /// A file: ``Reader/header``, ``Reader/name`` and for a symbolic link ``Reader/target``.
    ///
    /// For a regular file ``data(_:)`` follows, any number of times, and ``end``, unless
    /// ``Reader/passOver()`` is called now.
    case entry
    /// A part of the file's data: a range of the given bytes.
    case data(Range<Int>)
    /// The file's data are complete, and their sum, if any, is right.
    case end
    /// The record `TRAILER!!!`: the kernel forgets hard links; other records may follow.
    case trailer
    /// A record that the kernel skips silently.
    case skipped(Skip)
    /// A byte between two records that starts no record and is not padding; it has not been taken.
    ///
    /// In an image it starts a compressed member; inside a member it is junk.
    case foreign
    /// All bytes have been taken.
    case starved
  }

  /// Why the kernel skips a record (`do_header`).
  public enum Skip: Equatable, Sendable {
    /// The name has this many bytes with its NUL: none, or more than ``Writer/pathLimit``.
    case nameSize(UInt32)
    /// The symbolic link's target has this many bytes, more than ``Writer/pathLimit``.
    case targetSize(UInt32)
    /// The record has this many bytes of data, and is neither a file nor a symbolic link.
    case dataUnexpected(UInt32)
  }

  /// Why the kernel refuses the bytes, and where.
  public struct Malformed: Error, Equatable, Sendable {
    public enum Reason: Equatable, Sendable {
      /// The six bytes are not a magic of newc.
      case magic([UInt8])
      /// The byte is not a hex digit.
      case digit(UInt8)
      /// The name of this many bytes does not end with a NUL.
      case nameUnterminated(Int)
      /// The sum of the data is the first number, the header has the second.
      case checksum(found: UInt32, expected: UInt32)
      /// The byte after a record and its padding is not at a multiple of 4.
      case padding(UInt8)
    }

    /// Where the fault is, in bytes from the start of the stream.
    public var offset: UInt64
    /// What is wrong.
    public var reason: Reason

    /// A fault at `offset`.
    public init(offset: UInt64, reason: Reason) {
      self.offset = offset
      self.reason = reason
    }
  }

  /// What differs between kernels.
  public struct Rules: Equatable, Sendable {
    /// How strictly numbers in headers are read.
    public var digits = Header.Digits.strict
    /// Whether `070702` is a magic, and sums are verified.
    public var takesSums = true
    /// Whether the kernel checks that a name ends with a NUL. A kernel that does not takes the
    /// bytes that follow as part of the name; the reader refuses the name in either case.
    public var checksNames = true

    /// The rules of the newest kernel.
    public init() {}
  }

  /// The number of bytes taken, `this_header` in the kernel; set it between two records only.
  public var offset: UInt64 = 0
  /// The start of the last record.
  public private(set) var recordOffset: UInt64 = 0
  /// The last record's header.
  public private(set) var header = Header(nameSize: 0)
  /// The last record's name, up to its first NUL.
  public private(set) var name: [UInt8] = []
  /// The last symbolic link's target, up to its first NUL.
  public private(set) var target: [UInt8] = []

  private enum State {
    case start
    case name
    case link
    case unexpected
    case copy
    case skip
    case reset
  }

  /// The end of the last record, with its padding.
  public var recordEnd: UInt64 { nextRecord }

  private let rules: Rules
  private var state = State.start
  private var nextRecord: UInt64 = 0
  private var dataLeft: UInt64 = 0
  private var sum: UInt32 = 0
  private var held: [UInt8] = []

  /// A reader at the start of an image.
  public init(_ rules: Rules = Rules()) {
    self.rules = rules
    held.reserveCapacity(3 * Writer.pathLimit)
  }

  /// Whether a stream may end here: a record and its padding are complete.
  public var isBetweenRecords: Bool {
    state == .reset || state == .skip && offset == nextRecord
  }

  /// How many of the next bytes the reader ignores.
  public var skippable: UInt64 { state == .skip ? nextRecord - offset : 0 }

  /// Records that the caller left out `count` bytes, at most ``skippable``.
  public mutating func leftOut(_ count: UInt64) {
    precondition(count <= skippable)
    offset += count
  }

  /// Skips the data of the file whose ``Event/entry`` came last, without verifying their sum, as
  /// the kernel does for a file that it cannot create.
  public mutating func passOver() {
    if state == .copy { state = .skip }
  }

  /// Begins another stream, at offset 0: a compressed member.
  ///
  /// The state is kept: only at the start of an image must a record come first.
  public mutating func beginMember() { offset = 0 }

  /// Continues with `bytes` from `index`, and advances `index` past the bytes taken.
  public mutating func next(
    in bytes: Span<UInt8>, from index: inout Int
  ) throws(Malformed) -> Event {
    while true {
      switch state {
      case .start:
        if held.isEmpty { recordOffset = offset }
        guard gather(Header.size, bytes, &index) else { return .starved }
        if let skip = try readHeader() { return .skipped(skip) }

      case .name:
        guard gather(nameField, bytes, &index) else { return .starved }
        return try readName()

      case .link:
        guard gather(nameField + Int(header.dataSize), bytes, &index) else { return .starved }
        try readName(size: Int(header.nameSize))
        target = terminated(held[nameField...])
        settle(.skip)
        return .entry

      case .unexpected:
        guard gather(nameField, bytes, &index) else { return .starved }
        name = terminated(held[..<Int(header.nameSize)])
        held.removeAll(keepingCapacity: true)
        state = .skip
        return .skipped(.dataUnexpected(header.dataSize))

      case .copy:
        if dataLeft == 0 {
          try verifySum()
          state = .skip
          return .end
        }
        guard index < bytes.count else { return .starved }
        return .data(copy(bytes, &index))

      case .skip:
        let count = min(nextRecord - offset, UInt64(bytes.count - index))
        eat(Int(count), &index)
        guard offset == nextRecord else { return .starved }
        // The kernel's `next_state`. Before the first record of an image, its built-in archive has
        // set it.
        state = .reset

      case .reset:
        while index < bytes.count, bytes[index] == 0 { eat(1, &index) }
        guard index < bytes.count else { return .starved }
        guard offset & 3 == 0 else { throw malformed(at: offset, .padding(bytes[index])) }
        guard bytes[index] == UInt8(ascii: "0") else { return .foreign }
        state = .start
      }
    }
  }

  /// `do_start`: starts a record at the next byte, whatever it is.
  public mutating func resume() { state = .start }

  // MARK: The states

  /// `do_header`.
  private mutating func readHeader() throws(Malformed) -> Skip? {
    do throws(Header.Malformed) {
      header = try Header(held.span, digits: rules.digits)
      guard header.magic == .newc || rules.takesSums else { throw .magic }
    } catch {
      if case .digit(let place) = error {
        throw malformed(at: recordOffset + UInt64(place), .digit(held[place]))
      }
      throw malformed(at: recordOffset, .magic(Array(held[..<6])))
    }
    held.removeAll(keepingCapacity: true)
    name = []
    target = []

    nextRecord = offset + UInt64(nameField) + UInt64(header.dataSize)
    nextRecord = (nextRecord + 3) & ~3
    state = .skip
    guard header.nameSize > 0, header.nameSize <= Writer.pathLimit else {
      return .nameSize(header.nameSize)
    }

    if header.type == .symbolicLink {
      guard header.dataSize <= Writer.pathLimit else { return .targetSize(header.dataSize) }
      state = .link
    } else {
      state = header.type == .regular || header.dataSize == 0 ? .name : .unexpected
    }
    return nil
  }

  /// `do_name`, without its effects on the tree.
  private mutating func readName() throws(Malformed) -> Event {
    try readName(size: Int(header.nameSize))
    settle(.skip)
    if name == Writer.trailerName { return .trailer }
    if header.type == .regular {
      state = .copy
      dataLeft = UInt64(header.dataSize)
      sum = 0
    }
    return .entry
  }

  private mutating func readName(size: Int) throws(Malformed) {
    guard held[size - 1] == 0 else {
      throw malformed(at: recordOffset + UInt64(Header.size), .nameUnterminated(size))
    }
    name = terminated(held[..<size])
  }

  /// `do_copy`.
  private mutating func copy(_ bytes: Span<UInt8>, _ index: inout Int) -> Range<Int> {
    let count = Int(min(dataLeft, UInt64(bytes.count - index)))
    let range = index..<(index + count)
    if header.magic == .crc {
      for place in range { sum &+= UInt32(bytes[place]) }
    }
    dataLeft -= UInt64(count)
    eat(count, &index)
    return range
  }

  private func verifySum() throws(Malformed) {
    guard header.magic == .newc || sum == header.checksum else {
      throw malformed(
        at: offset - UInt64(header.dataSize), .checksum(found: sum, expected: header.checksum))
    }
  }

  // MARK: Bytes

  /// The size of the name with its padding: `N_ALIGN(name_len)`, as the header has 2 bytes more
  /// than a multiple of 4.
  private var nameField: Int { (Int(header.nameSize) + 1) & ~3 + 2 }

  private mutating func settle(_ next: State) {
    held.removeAll(keepingCapacity: true)
    state = next
  }

  private mutating func eat(_ count: Int, _ index: inout Int) {
    index += count
    offset += UInt64(count)
  }

  /// Holds `count` bytes, or all that are available (`do_collect`).
  private mutating func gather(_ count: Int, _ bytes: Span<UInt8>, _ index: inout Int) -> Bool {
    let step = min(count - held.count, bytes.count - index)
    bytes.extracting(index..<(index + step)).withUnsafeBufferPointer {
      held.append(contentsOf: $0)
    }
    eat(step, &index)
    return held.count == count
  }

  private func terminated(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    Array(bytes[..<(bytes.firstIndex(of: 0) ?? bytes.endIndex)])
  }

  private func malformed(at offset: UInt64, _ reason: Malformed.Reason) -> Malformed {
    Malformed(offset: offset, reason: reason)
  }
}

extension Header {
  /// The type in ``mode``; nil if the bits are not a file type. The kernel keeps 16 bits
  /// (`umode_t`).
  public var type: Entry.FileType? { Entry.FileType(rawValue: mode & 0o170000) }
}

extension Reader {
  /// The last record as the kernel takes it: 16 bits of mode, 12 bits of a device's major and 20
  /// bits of its minor number (`MKDEV`, include/linux/kdev_t.h).
  public var entry: Entry {
    Entry(
      name: name, mode: header.mode & 0xFFFF, userID: header.userID, groupID: header.groupID,
      linkCount: header.linkCount, modificationTime: header.modificationTime,
      inode: header.inode, device: header.device,
      specialDevice: Device(
        major: (header.specialDevice.major << 20 | header.specialDevice.minor) >> 20,
        minor: header.specialDevice.minor & 0xFFFFF),
      size: UInt64(header.dataSize))
  }
}
