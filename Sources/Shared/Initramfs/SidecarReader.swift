// SPDX-License-Identifier: MIT

/// Reads a sidecar, the file `NNNN.extra` beside the file `NNNN` of a payload. It holds what newc
/// cannot express about the file's records.
///
/// Its lines, in the order of the records:
///
///     set NAME=0xHEX …          the next set of xattrs: 1, 2, …
///     forget                    the sets so far are gone; the next one is 1 again
///     time SECONDS              the next record's modification time
///     sparse SIZE OFFSET+COUNT … the next record's size, and where its data belong
///     link                      the next record is another name of the one before it
///     run COUNT [SET]           the next COUNT records, with the xattrs of SET
///
/// `time`, `sparse` and `link` apply to the first record of the next `run`. Records after the last
/// run have nothing extra. In NAME, `=`, `\` and everything but printable ASCII is octal: `\012`.
///
/// Only one line and the sets are kept, and both have limits: PID 1 has little memory.
public struct SidecarReader: Sendable {
  /// The longest line, in bytes.
  public static var lineLimit: Int { 1 << 20 }
  /// The most bytes in all sets, counting ``setCost`` for each xattr.
  public static var setLimit: Int { 4 << 20 }
  static var setCost: Int { 64 }

  /// How much is read at once, in bytes.
  private static var pieceSize: Int { 16 << 10 }

  private var sets: [[Xattr]] = []
  private var setSize = 0

  // The rest of the current run.
  private var left: UInt64 = 0
  private var shared: Extra?

  // For the next run's first record.
  private var time: Int64?
  private var sparse: SparseMap?
  private var isLink = false

  // What has been read but not used.
  private var bytes: [UInt8] = []
  private var start = 0
  private var offset: Int64 = 0
  private var hasEnded = false
  private var line = 0

  public init() {}

  /// Returns what the next record has; nil if nothing.
  ///
  /// - Parameter read: reads from an offset on until the buffer is full, or the sidecar ends.
  public mutating func next<Failure: Error>(
    _ read: (Int64, UnsafeMutableRawBufferPointer) throws(Failure) -> Int
  ) throws(SidecarFailure<Failure>) -> Extra? {
    while left == 0 {
      guard let text = try nextLine(read) else {
        guard !hasProperty else { throw .malformed(fault([], "run COUNT [SET]")) }
        return nil
      }
      do throws(SidecarFault) { try apply(text) } catch { throw .malformed(error) }
    }
    left -= 1
    guard hasProperty else { return shared }
    let first = Extra(xattrs: shared?.xattrs ?? [], time: time, sparse: sparse, isLink: isLink)
    (time, sparse, isLink) = (nil, nil, false)
    return first
  }

  /// Call this after the last record. Throws if the sidecar has more.
  public mutating func finish<Failure: Error>(
    _ read: (Int64, UnsafeMutableRawBufferPointer) throws(Failure) -> Int
  ) throws(SidecarFailure<Failure>) {
    guard left == 0 else { throw .malformed(fault([], "no more records than there are")) }
    if let text = try nextLine(read) {
      throw .malformed(fault(text, "no more records than there are"))
    }
  }

  // MARK: Lines

  /// Returns the next line, without its end; nil after the last one.
  private mutating func nextLine<Failure: Error>(
    _ read: (Int64, UnsafeMutableRawBufferPointer) throws(Failure) -> Int
  ) throws(SidecarFailure<Failure>) -> ArraySlice<UInt8>? {
    var seen = start
    while true {
      if let end = bytes[seen...].firstIndex(of: 0x0A) {
        defer { start = end + 1 }
        line += 1
        return bytes[start..<end]
      }
      if hasEnded {
        if start == bytes.count { return nil }
        line += 1
        throw .malformed(fault(bytes[start...], "a line with its end"))
      }
      guard bytes.count - start <= Self.lineLimit else {
        line += 1
        throw .malformed(fault(bytes[start...], "a line of at most 1 MiB"))
      }
      bytes.removeFirst(start)
      start = 0
      seen = bytes.count
      try readMore(read)
    }
  }

  private mutating func readMore<Failure: Error>(
    _ read: (Int64, UnsafeMutableRawBufferPointer) throws(Failure) -> Int
  ) throws(SidecarFailure<Failure>) {
    let count = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: Self.pieceSize))
    do throws(Failure) {
      let place = offset
      let got = try bytes.withUnsafeMutableBufferPointer { (bytes) throws(Failure) in
        try read(
          place,
          UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: bytes[count...])))
      }
      bytes.removeLast(Self.pieceSize - got)
      offset += Int64(got)
      hasEnded = got < Self.pieceSize
    } catch {
      throw .source(error)
    }
  }

  private mutating func apply(_ text: ArraySlice<UInt8>) throws(SidecarFault) {
    var words = Words(text)
    let keyword = words.next() ?? []
    if keyword.equals("run") {
      try beginRun(&words, text)
    } else if keyword.equals("set") {
      try define(&words, text)
    } else if keyword.equals("forget") {
      sets.removeAll(keepingCapacity: true)
      setSize = 0
    } else if keyword.equals("time") {
      guard time == nil, let seconds = words.next().flatMap(signed) else {
        throw fault(text, "time SECONDS, once")
      }
      time = seconds
    } else if keyword.equals("sparse") {
      guard sparse == nil, let map = map(&words) else {
        throw fault(text, "sparse SIZE OFFSET+COUNT …, once, apart and in order")
      }
      sparse = map
    } else if keyword.equals("link") {
      isLink = true
    } else {
      throw fault(text, "set, forget, time, sparse, link or run")
    }
    guard words.next() == nil else { throw fault(text, "nothing more in the line") }
  }

  private mutating func beginRun(
    _ words: inout Words, _ text: ArraySlice<UInt8>
  ) throws(SidecarFault) {
    guard let count = words.next().flatMap(unsigned), count > 0 else {
      throw fault(text, "run COUNT [SET]")
    }
    shared = nil
    if let word = words.next() {
      guard let number = unsigned(word), number > 0, number <= UInt64(sets.count) else {
        throw fault(text, "the number of a set")
      }
      shared = Extra(xattrs: sets[Int(number) - 1])
    }
    left = count
  }

  private mutating func define(
    _ words: inout Words, _ text: ArraySlice<UInt8>
  ) throws(SidecarFault) {
    var set: [Xattr] = []
    while let word = words.next() {
      guard let xattr = Self.xattr(word) else { throw fault(text, "set NAME=0xHEX …") }
      setSize += xattr.name.count + xattr.value.count + Self.setCost
      set.append(xattr)
    }
    guard !set.isEmpty else { throw fault(text, "set NAME=0xHEX …") }
    guard setSize <= Self.setLimit else { throw fault(text, "sets of at most 4 MiB in all") }
    sets.append(set)
  }

  private func map(_ words: inout Words) -> SparseMap? {
    guard let size = words.next().flatMap(unsigned) else { return nil }
    var extents: [Extent] = []
    while let word = words.next() {
      guard let plus = word.firstIndex(of: UInt8(ascii: "+")), let offset = unsigned(word[..<plus]),
        let count = unsigned(word[(plus + 1)...]), extents.count < SparseMap.extentLimit
      else { return nil }
      extents.append(Extent(offset: offset, count: count))
    }
    return SparseMap(size: size, extents: extents)
  }

  // MARK: Words

  private static func xattr(_ word: ArraySlice<UInt8>) -> Xattr? {
    guard let equals = word.firstIndex(of: UInt8(ascii: "=")),
      let name = unescaped(word[..<equals]), !name.isEmpty,
      word[(equals + 1)...].starts(with: [UInt8(ascii: "0"), UInt8(ascii: "x")]),
      let value = bytes(ofHex: word[(equals + 3)...])
    else { return nil }
    return Xattr(name: name, value: value)
  }

  private static func bytes(ofHex digits: ArraySlice<UInt8>) -> [UInt8]? {
    if digits.count % 2 != 0 { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 2)
    var high: UInt8?
    for digit in digits {
      guard let value = hexValue(digit) else { return nil }
      if let first = high {
        bytes.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    return bytes
  }

  private static func hexValue(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
  }

  private static func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    var rest = text
    while let first = rest.popFirst() {
      guard first == UInt8(ascii: "\\") else {
        bytes.append(first)
        continue
      }
      let digits = rest.prefix(3)
      var value = 0
      for digit in digits {
        guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "7") else { return nil }
        value = value << 3 | Int(digit - UInt8(ascii: "0"))
      }
      guard digits.count == 3, value > 0, value < 256 else { return nil }
      bytes.append(UInt8(value))
      rest = rest.dropFirst(3)
    }
    return bytes
  }

  private var hasProperty: Bool { time != nil || sparse != nil || isLink }

  /// The fault of a last line that does not fit its record.
  func fault(_ expected: StaticString) -> SidecarFault { fault([], expected) }

  private func fault(_ found: ArraySlice<UInt8>, _ expected: StaticString) -> SidecarFault {
    SidecarFault(line: line, found: Array(found.prefix(40)), expected: expected)
  }
}

/// Why a sidecar gives nothing for the next record.
public enum SidecarFailure<Source: Error>: Error {
  /// It cannot be read.
  case source(Source)
  case malformed(SidecarFault)
}

/// What is wrong with a sidecar.
public struct SidecarFault: Error, Equatable, Sendable {
  /// The sidecar, as the source calls it.
  public internal(set) var file: [UInt8] = []
  /// The line number, from 1.
  public var line: Int
  /// The beginning of the line.
  public var found: [UInt8]
  public var expected: StaticString

  init(line: Int, found: [UInt8], expected: StaticString) {
    self.line = line
    self.found = found
    self.expected = expected
  }

  public static func == (one: SidecarFault, other: SidecarFault) -> Bool {
    one.file == other.file && one.line == other.line && one.found == other.found
  }
}

/// The words of a line, separated by single spaces.
private struct Words {
  private var rest: ArraySlice<UInt8>
  private var isOver = false

  init(_ line: ArraySlice<UInt8>) { rest = line }

  mutating func next() -> ArraySlice<UInt8>? {
    if isOver { return nil }
    guard let blank = rest.firstIndex(of: 0x20) else {
      isOver = true
      return rest
    }
    defer { rest = rest[(blank + 1)...] }
    return rest[..<blank]
  }
}

extension ArraySlice<UInt8> {
  fileprivate func equals(_ text: StaticString) -> Bool {
    count == text.utf8CodeUnitCount && text.withUTF8Buffer { elementsEqual($0) }
  }
}

/// Parses decimal digits, without leading zeros.
private func unsigned(_ digits: ArraySlice<UInt8>) -> UInt64? {
  if digits.isEmpty || digits.count > 1 && digits.first == UInt8(ascii: "0") { return nil }
  var number: UInt64 = 0
  for digit in digits {
    guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
    let (tenfold, isTooMuch) = number.multipliedReportingOverflow(by: 10)
    let (sum, isMore) = tenfold.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
    if isTooMuch || isMore { return nil }
    number = sum
  }
  return number
}

private func signed(_ word: ArraySlice<UInt8>) -> Int64? {
  guard word.first == UInt8(ascii: "-") else { return unsigned(word).flatMap(Int64.init(exactly:)) }
  guard let number = unsigned(word.dropFirst()), number > 0, number <= UInt64(Int64.max) else {
    return nil
  }
  return -Int64(number)
}
