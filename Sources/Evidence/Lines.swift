// SPDX-License-Identifier: MIT

/// A file of /proc does not end where it should, or has a line that is none.
public struct Unreadable: Error {
  public init() {}
}

/// The lines of a file of /proc, as it is read: no more of it is in memory than a page, or a line.
public struct Lines {
  /// read(2): up to so many bytes of the file; none at its end, nil on an error.
  public typealias Read = (_ count: Int) -> [UInt8]?

  /// What a read(2) of a file of /proc gives at most, unless a line is longer (fs/seq_file.c).
  private static var portion: Int { 4096 }

  /// A path of mountinfo has 4,096 bytes, four characters each if need be; an overlay has several.
  private static var longestLine: Int { 1 << 20 }

  private let read: Read
  private var isAtEnd = false

  /// How many bytes may still come.
  private var room: Int

  /// What has been read and not been given yet.
  private var buffer: [UInt8] = []
  private var start = 0

  /// - Parameter longest: more bytes than the file can have.
  public init(longest: Int, _ read: @escaping Read) {
    room = longest
    self.read = read
  }

  /// The next line without its end; nil behind the last one.
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
