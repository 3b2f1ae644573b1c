// SPDX-License-Identifier: MIT

/// A file of /proc is longer than it can be, or contains a malformed line.
public struct Unreadable: Error {
  public init() {}
}

/// The lines of a file of /proc, read piece by piece: at most a page or a line is in memory.
public struct Lines {
  /// read(2): up to `count` bytes of the file; none at its end, nil on an error.
  public typealias Read = (_ count: Int) -> [UInt8]?

  /// The most that read(2) of a file of /proc returns, unless a line is longer (fs/seq_file.c).
  private static var portion: Int { 4096 }

  /// A path in mountinfo has up to 4,096 bytes, four characters each if escaped; an overlay has
  /// several paths.
  private static var longestLine: Int { 1 << 20 }

  private let read: Read
  private var isAtEnd = false

  /// How many bytes the file may still have.
  private var room: Int

  /// Bytes that have been read but not returned.
  private var buffer: [UInt8] = []
  private var start = 0

  /// - Parameter longest: a size that the file cannot reach.
  public init(longest: Int, _ read: @escaping Read) {
    room = longest
    self.read = read
  }

  /// The next line, without its line feed; nil after the last one.
  public mutating func next() throws(Unreadable) -> ArraySlice<UInt8>? {
    var searched = start
    while true {
      if let end = buffer[searched...].firstIndex(of: 0x0a) {
        defer { start = end + 1 }
        return buffer[start..<end]
      }
      if isAtEnd {
        defer { start = buffer.count }
        return start < buffer.count ? buffer[start...] : nil
      }
      buffer.removeFirst(start)
      start = 0
      searched = buffer.count
      try fill()
    }
  }

  private mutating func fill() throws(Unreadable) {
    guard let more = read(Self.portion) else { throw Unreadable() }
    isAtEnd = more.isEmpty
    room -= more.count
    buffer.append(contentsOf: more)
    if room < 0 || buffer.count > Self.longestLine { throw Unreadable() }
  }
}
