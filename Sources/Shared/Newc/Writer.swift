// SPDX-License-Identifier: MIT

/// Writes the records of one newc or crc archive, in the order they are given.
///
/// The kernel silently skips entries that it cannot create (init/initramfs.c, `do_header`), so the
/// writer refuses them. The same records give the same bytes on every machine, at any time.
public struct Writer: Sendable {
  /// Why the writer refused an entry. It has then written nothing.
  public enum Refusal: Error, Equatable, Sendable {
    /// The name is empty; the root itself is named `.`.
    case nameEmpty
    /// The name has this many bytes with its NUL, more than ``Writer/pathLimit``.
    case nameTooLong(Int)
    /// A component of the name has this many bytes, more than ``Writer/componentLimit``.
    case componentTooLong(Int)
    /// The name has a NUL inside.
    case nameHoldsNUL
    /// The name is that of the trailer, which would end the archive.
    case nameIsTrailer
    /// The mode's type bits are not a file type.
    case typeUnknown(mode: UInt32)
    /// The data have this many bytes, more than newc's 32-bit field holds.
    case dataTooLarge(UInt64)
    /// A directory, device, fifo or socket has this many bytes of data.
    case dataUnexpected(UInt64)
    /// The target of a symbolic link has this many bytes: none, or ``Writer/pathLimit`` or more.
    case targetLength(UInt64)
    /// A file with several names has no inode for them to share.
    case linkWithoutInode
    /// A group of hard links has this many names, or is of directories.
    case group(Int)
    /// A record of an archive with sums has no sum.
    case sumMissing
  }

  /// `PATH_MAX`: the longest name, in bytes with its NUL.
  public static let pathLimit = 4096
  /// `NAME_MAX`: the longest component of a name, in bytes.
  public static let componentLimit = 255
  /// The name of the record that ends an archive.
  public static let trailerName: [UInt8] = Array("TRAILER!!!".utf8)

  private let magic: Header.Magic
  private var nextInode: UInt32 = 1

  /// A writer at the start of an archive; in the crc format each record has a sum of its data.
  public init(_ magic: Header.Magic = .newc) { self.magic = magic }

  /// The sum of a crc record over `data`, continued from the sum of earlier data.
  public static func sum(_ data: some Sequence<UInt8>, after sum: UInt32 = 0) -> UInt32 {
    data.reduce(sum) { $0 &+ UInt32($1) }
  }

  /// Appends a whole record.
  ///
  /// - Parameters:
  ///   - entry: The file; its ``Entry/size`` is not read, but taken from `data`.
  ///   - data: A file's content or a symbolic link's target (without NUL).
  ///   - sink: Receives the bytes; it must be 4-aligned in the image, like the start of an archive.
  /// - Throws: ``Refusal``; `sink` is untouched then.
  public mutating func append(
    _ entry: Entry, data: [UInt8] = [], to sink: inout some RangeReplaceableCollection<UInt8>
  ) throws(Refusal) {
    var entry = entry
    entry.size = UInt64(data.count)
    // For files only: the kernel verifies no other sum, and GNU cpio writes none.
    let sum = magic == .crc && entry.type == .regular ? Writer.sum(data) : 0
    try appendHead(of: entry, sum: sum, to: &sink)
    sink.append(contentsOf: data)
    sink.append(contentsOf: Writer.padding(after: entry.size))
  }

  /// Appends one file under several names.
  ///
  /// The records get an inode that no other record of this writer has, and are adjacent; the last
  /// one has the data, as in GNU cpio.
  /// - Parameters:
  ///   - entry: The file; its name, inode, link count and size are not read.
  ///   - names: Two or more.
  /// - Throws: ``Refusal``; `sink` is untouched then.
  public mutating func append(
    _ entry: Entry, names: [[UInt8]], data: [UInt8] = [],
    to sink: inout some RangeReplaceableCollection<UInt8>
  ) throws(Refusal) {
    guard names.count > 1, entry.type != .directory else { throw .group(names.count) }
    var entry = entry
    entry.inode = nextInode
    entry.linkCount = UInt32(names.count)
    entry.size = UInt64(data.count)
    for name in names {
      entry.name = name
      try Writer.check(entry)
    }
    for name in names.dropLast() {
      entry.name = name
      // Each name of a symbolic link has the target: the kernel does not link them.
      try append(entry, data: entry.type == .symbolicLink ? data : [], to: &sink)
    }
    entry.name = names[names.count - 1]
    try append(entry, data: data, to: &sink)
  }

  /// Appends the part of a record that precedes its data: header, name, padding.
  ///
  /// The caller then adds ``Entry/size`` bytes and ``padding(after:)``. Use this for data that do
  /// not fit into memory.
  ///
  /// - Parameter sum: The sum of the data, for an archive with sums; from ``sum(_:after:)``.
  /// - Throws: ``Refusal``; `sink` is untouched then.
  public mutating func appendHead(
    of entry: Entry, sum: UInt32? = nil, to sink: inout some RangeReplaceableCollection<UInt8>
  ) throws(Refusal) {
    try Writer.check(entry)
    guard magic == .newc || sum != nil || entry.size == 0 else { throw .sumMissing }
    let header = Header(
      magic: magic, inode: entry.inode ?? nextInode, mode: entry.mode, userID: entry.userID,
      groupID: entry.groupID, linkCount: entry.linkCount,
      modificationTime: entry.modificationTime, dataSize: UInt32(entry.size),
      device: entry.device, specialDevice: entry.specialDevice,
      nameSize: UInt32(entry.name.count + 1), checksum: magic == .crc ? sum ?? 0 : 0)
    nextInode &+= 1
    Writer.append(header, name: entry.name, to: &sink)
  }

  /// Appends all records of a file except the data of the last one, which the caller adds.
  ///
  /// - Parameters:
  ///   - entry: The file; with several names, its name, inode and link count are not read.
  ///   - names: One or more.
  /// - Throws: ``Refusal``; `sink` is untouched then.
  public mutating func appendHead(
    of entry: Entry, names: [[UInt8]], to sink: inout some RangeReplaceableCollection<UInt8>
  ) throws(Refusal) {
    guard names.count > 1 else { return try appendHead(of: entry, to: &sink) }
    guard magic == .newc, entry.type == .regular else { throw .group(names.count) }
    var entry = entry
    entry.inode = nextInode
    entry.linkCount = UInt32(names.count)
    let size = entry.size
    for name in names {
      entry.name = name
      try Writer.check(entry)
    }
    for (index, name) in names.enumerated() {
      entry.name = name
      entry.size = index == names.count - 1 ? size : 0
      try appendHead(of: entry, to: &sink)
    }
  }

  /// Appends the trailer, which makes readers forget the hard links of this archive.
  public mutating func appendTrailer(to sink: inout some RangeReplaceableCollection<UInt8>) {
    let name = Writer.trailerName
    Writer.append(Header(magic: magic, nameSize: UInt32(name.count + 1)), name: name, to: &sink)
    nextInode = 1
  }

  /// The zero bytes between `count` bytes of data and the next record: 0 to 3.
  public static func padding(after count: UInt64) -> [UInt8] {
    [UInt8](repeating: 0, count: Int(truncatingIfNeeded: 0 &- count) & 3)
  }

  private static func append(
    _ header: Header, name: [UInt8], to sink: inout some RangeReplaceableCollection<UInt8>
  ) {
    header.append(to: &sink)
    sink.append(contentsOf: name)
    sink.append(0)
    sink.append(contentsOf: padding(after: UInt64(Header.size + name.count + 1)))
  }

  private static func check(_ entry: Entry) throws(Refusal) {
    try check(name: entry.name)
    guard let type = entry.type else { throw .typeUnknown(mode: entry.mode) }

    switch type {
    case .regular:
      guard entry.size <= UInt64(UInt32.max) else { throw .dataTooLarge(entry.size) }
    case .symbolicLink:
      guard entry.size > 0, entry.size < UInt64(pathLimit) else { throw .targetLength(entry.size) }
    case .directory, .characterDevice, .blockDevice, .fifo, .socket:
      guard entry.size == 0 else { throw .dataUnexpected(entry.size) }
    }

    // Inode numbers that the writer assigns are unique, so the names of a link group would not
    // share one. A directory's link count is of its subdirectories and says nothing about names.
    if entry.linkCount > 1, entry.inode == nil, type != .directory { throw .linkWithoutInode }
  }

  private static func check(name: [UInt8]) throws(Refusal) {
    guard !name.isEmpty else { throw .nameEmpty }
    guard name.count < pathLimit else { throw .nameTooLong(name.count + 1) }
    guard name != trailerName else { throw .nameIsTrailer }

    guard !name.contains(0) else { throw .nameHoldsNUL }
    for component in name.split(separator: UInt8(ascii: "/"))
    where component.count > componentLimit {
      throw .componentTooLong(component.count)
    }
  }
}
