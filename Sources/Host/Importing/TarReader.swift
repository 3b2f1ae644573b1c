// SPDX-License-Identifier: MIT

import CArchive
import Files
import Glibc
import Initramfs
import Newc
import SystemPackage

/// One record of a tar archive.
struct TarEntry {
  /// The name, as it is in the archive.
  var name: [UInt8]
  /// The name of the file that this is a hard link to.
  var hardLink: [UInt8]?
  /// The metadata and the size of the content, without a name.
  var file: Entry
  /// The target of a symbolic link.
  var target: [UInt8]
  /// The modification time in seconds since 1970.
  var seconds: Int64
  var xattrs: [Xattr]
  /// The data extents of a sparse file.
  var sparse: SparseMap?

  /// The bytes of its content, without holes.
  var dataSize: UInt64 { sparse?.count ?? file.size }

  var isDirectory: Bool { hardLink == nil && file.type == .directory }
}

/// Reads a tar archive (POSIX pax, GNU, ustar or older) with libarchive.
final class TarReader {
  private let handle: ArchiveHandle
  private let tap: HeaderTap
  /// The values for records that do not set their own.
  private var globals = PaxGlobals()
  /// libarchive's current entry, and its data extents.
  private var entry: OpaquePointer?
  private var sparse: SparseMap?

  /// - Parameter path: The archive's name in errors.
  init(_ path: FilePath, _ stream: any ByteStream) throws {
    tap = HeaderTap(stream)
    handle = try ArchiveHandle(path, tap) { [tap] raw in
      archive_read_support_format_tar(raw)
      archive_read_support_format_gnutar(raw)
      archive_read_support_format_empty(raw)
      tap.archive = raw
    }
  }

  /// Advances to the next record; false if there is none.
  func advance() throws -> Bool {
    entry = nil
    let result = archive_read_next_header(handle.raw, &entry)
    try handle.check(result)
    return result != ARCHIVE_EOF
  }

  /// - Throws: ``FileError``, also for records that cannot be represented.
  func next() throws -> TarEntry? {
    guard try advance(), let entry else { return nil }
    guard let name = archive_entry_pathname(entry) else {
      throw FileError(handle.path, "has a record whose name cannot be read")
    }
    let headers = tap.headers()
    if headers.isContinued {
      throw FileError(
        handle.path,
        "is a later volume of an archive in several: \(quoted(bytes(name))) begins "
          + "in the one before; join them first")
    }
    try globals.add(headers.global, handle.path)
    let time = globals.number("mtime", unless: headers)
    var file = Entry(
      name: [], mode: archive_entry_mode(entry),
      userID: try owner(
        globals.number("uid", unless: headers) ?? archive_entry_uid(entry), name),
      groupID: try owner(
        globals.number("gid", unless: headers) ?? archive_entry_gid(entry), name))
    if file.type == .characterDevice || file.type == .blockDevice {
      file.specialDevice = Device(
        major: UInt32(truncatingIfNeeded: archive_entry_rdevmajor(entry)),
        minor: UInt32(truncatingIfNeeded: archive_entry_rdevminor(entry)))
    }
    let hardLink = archive_entry_hardlink(entry).map(bytes)
    if hardLink != nil || file.type == .regular {
      file.size = UInt64(max(0, archive_entry_size(entry)))
    }
    sparse = try sparse(of: entry, file, name)
    return TarEntry(
      name: bytes(name), hardLink: hardLink, file: file,
      target: archive_entry_symlink(entry).map(bytes) ?? [],
      seconds: time ?? Int64(archive_entry_mtime(entry)),
      xattrs: xattrs(of: entry, headers), sparse: sparse)
  }

  /// The map of a GNU sparse file, in the old format or one of the three pax formats.
  private func sparse(
    of entry: OpaquePointer, _ file: Entry, _ name: UnsafePointer<CChar>
  ) throws(FileError) -> SparseMap? {
    guard file.type == .regular, file.size > 0, archive_entry_sparse_reset(entry) > 0 else {
      return nil
    }
    var extents: [Extent] = []
    var (offset, count, free): (Int64, Int64, Int64) = (0, 0, 0)
    while archive_entry_sparse_next(entry, &offset, &count) == ARCHIVE_OK {
      // A file that ends in a hole has a final extent of zero bytes.
      if count == 0 { continue }
      guard offset >= free, count > 0, count <= Int64.max - offset,
        UInt64(offset + count) <= file.size
      else {
        throw FileError(
          handle.path, found: "\(quoted(bytes(name))) with data at \(offset), \(count) bytes",
          expected: "parts of a sparse file in order, within its size")
      }
      free = offset + count
      extents.append(Extent(offset: UInt64(offset), count: UInt64(count)))
    }
    return SparseMap(size: file.size, data: extents)
  }

  /// Passes on the data of the last entry, without the holes of a sparse file.
  func readData(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    var filter = ExtentFilter(sparse, size: UInt64(max(0, archive_entry_size(entry))))
    while true {
      var (block, count, offset): (UnsafeRawPointer?, Int, Int64) = (nil, 0, 0)
      let result = archive_read_data_block(handle.raw, &block, &count, &offset)
      try handle.check(result)
      if result == ARCHIVE_EOF { return try filter.finish(body) }
      let bytes = UnsafeRawBufferPointer(start: block, count: count)
      guard try filter.add(bytes, at: UInt64(max(0, offset)), body) else {
        throw FileError(handle.path, "has data of a sparse file where there should be none")
      }
    }
  }

  /// A stream of the content of the last entry.
  func content() -> any ByteStream { EntryStream(handle) }

  private func owner(_ id: Int64, _ name: UnsafePointer<CChar>) throws(FileError) -> UInt32 {
    guard let id = UInt32(exactly: id) else {
      throw FileError(
        handle.path, found: "\(quoted(bytes(name))) with the owner \(id)",
        expected: "a number of 32 bits")
    }
    return id
  }

  // MARK: Extended attributes

  private func xattrs(of entry: OpaquePointer, _ headers: TarHeaders) -> [Xattr] {
    var xattrs: [Xattr] = []
    let spelled = Self.names(ofLibarchive: headers)
    archive_entry_xattr_reset(entry)
    var (name, value, count): (UnsafePointer<CChar>?, UnsafeRawPointer?, Int) = (nil, nil, 0)
    while archive_entry_xattr_next(entry, &name, &value, &count) == ARCHIVE_OK {
      guard let name else { continue }
      let value = UnsafeRawBufferPointer(start: value, count: count)
      var xattr = Xattr(name: bytes(name), value: Array(value))
      if spelled.isEmpty {
        xattr.name = Self.unescaped(xattr.name)
      } else if !spelled.contains(xattr.name) || xattrs.contains(where: { $0.name == xattr.name }) {
        continue
      }
      xattrs.append(xattr)
    }
    for (type, name) in [
      (ARCHIVE_ENTRY_ACL_TYPE_ACCESS, "system.posix_acl_access"),
      (ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, "system.posix_acl_default"),
    ] where archive_entry_acl_count(entry, type) > 0 {
      xattrs.append(Xattr(name: Array(name.utf8), value: acl(of: entry, type)))
    }
    return xattrs.sorted { $0.name.lexicographicallyPrecedes($1.name) }
  }

  /// bsdtar writes each xattr twice: as LIBARCHIVE.xattr.* with an encoded name, and as
  /// SCHILY.xattr.* with the plain name, where a reader takes everything after a `=` for the value.
  ///
  /// - Returns: The decoded names of the LIBARCHIVE keywords; none if another program, such as GNU
  ///   tar, wrote the archive.
  private static func names(ofLibarchive headers: TarHeaders) -> Set<[UInt8]> {
    if headers.local.isEmpty { return [] }
    let prefix = Array("LIBARCHIVE.xattr.".utf8)
    return Set(
      headers.local.filter { $0.name.starts(with: prefix) }
        .map { decoded($0.name.dropFirst(prefix.count)) })
  }

  /// The name with `%3D` and the like decoded.
  private static func decoded(_ name: ArraySlice<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = name
    while let first = rest.popFirst() {
      let digits = String(decoding: rest.prefix(2), as: UTF8.self)
      if first == UInt8(ascii: "%"), digits.utf8.count == 2, let byte = UInt8(digits, radix: 16) {
        bytes.append(byte)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(first)
      }
    }
    return bytes
  }

  /// GNU tar writes `=`, which ends a pax keyword, as `%3D`, and `%` as `%25`.
  private static func unescaped(_ name: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var rest = name[...]
    while let first = rest.first {
      let escape = Self.escapes.first { rest.starts(with: $0.escape.utf8) }
      result.append(escape?.byte ?? first)
      rest = rest.dropFirst(escape == nil ? 1 : 3)
    }
    return result
  }

  private static let escapes: [(escape: String, byte: UInt8)] = [("%3D", 0x3D), ("%25", 0x25)]

  /// include/uapi/linux/posix_acl_xattr.h: the version, then entries by tag and number.
  private func acl(of entry: OpaquePointer, _ wanted: Int32) -> [UInt8] {
    var entries: [(tag: UInt16, permissions: UInt16, id: UInt32)] = []
    archive_entry_acl_reset(entry, wanted)
    var (type, permissions, tag, id): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
    var name: UnsafePointer<CChar>?
    while archive_entry_acl_next(entry, wanted, &type, &permissions, &tag, &id, &name) == ARCHIVE_OK
    {
      guard let known = Self.aclTags[tag] else { continue }
      let hasID = tag == ARCHIVE_ENTRY_ACL_USER || tag == ARCHIVE_ENTRY_ACL_GROUP
      entries.append((known, UInt16(permissions & 7), hasID ? UInt32(bitPattern: id) : .max))
    }
    entries.sort { ($0.tag, $0.id) < ($1.tag, $1.id) }

    var bytes: [UInt8] = [2, 0, 0, 0]
    for entry in entries {
      for (value, count) in [(UInt32(entry.tag), 2), (UInt32(entry.permissions), 2), (entry.id, 4)]
      {
        for byte in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
      }
    }
    return bytes
  }

  /// include/uapi/linux/posix_acl.h.
  private static let aclTags: [Int32: UInt16] = [
    ARCHIVE_ENTRY_ACL_USER_OBJ: 0x01, ARCHIVE_ENTRY_ACL_USER: 0x02,
    ARCHIVE_ENTRY_ACL_GROUP_OBJ: 0x04, ARCHIVE_ENTRY_ACL_GROUP: 0x08,
    ARCHIVE_ENTRY_ACL_MASK: 0x10, ARCHIVE_ENTRY_ACL_OTHER: 0x20,
  ]
}

/// The content of an entry that is not a sparse file.
private final class EntryStream: ByteStream {
  private let handle: ArchiveHandle

  init(_ handle: ArchiveHandle) { self.handle = handle }

  func next() throws -> UnsafeRawBufferPointer {
    var (block, count, offset): (UnsafeRawPointer?, Int, Int64) = (nil, 0, 0)
    let result = archive_read_data_block(handle.raw, &block, &count, &offset)
    try handle.check(result)
    return UnsafeRawBufferPointer(start: block, count: result == ARCHIVE_EOF ? 0 : count)
  }
}

private func bytes(_ text: UnsafePointer<CChar>) -> [UInt8] {
  Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
}

/// The values that pax global headers have set so far: POSIX pax, "pax Header Block".
private struct PaxGlobals {
  private var numbers: [String: Int64] = [:]

  /// Keywords that cannot sensibly apply to all records.
  private static let refused = [
    "path", "linkpath", "size", "SCHILY.xattr.", "LIBARCHIVE.xattr.", "SCHILY.acl.",
    "SCHILY.realsize", "GNU.sparse.", "RHT.security.selinux",
  ]

  mutating func add(_ keywords: [TarHeaders.Keyword], _ path: FilePath) throws(FileError) {
    for (name, value) in keywords {
      let name = String(decoding: name, as: UTF8.self)
      switch name {
      case "mtime", "uid", "gid":
        // An empty value cancels an earlier one.
        numbers[name] = value.isEmpty ? nil : try Self.number(name, value, path)
      case "GNU.volume.filename", "GNU.volume.size", "GNU.volume.offset":
        throw FileError(path, "is a later volume of an archive in several; join them first")
      default:
        // Ignore owners' names, comments and unknown keywords.
        if value.isEmpty || !Self.refused.contains(where: { Self.matches(name, $0) }) { continue }
        throw FileError(
          path, found: "a pax global header with \(name)",
          expected: "one with mtime, uid or gid: no other keyword can be of all files")
      }
    }
  }

  /// The global value for a record with these headers; nil if it has its own, or there is none.
  func number(_ name: String, unless headers: TarHeaders) -> Int64? {
    numbers.isEmpty || headers.hasLocal(name) ? nil : numbers[name]
  }

  private static func matches(_ name: String, _ pattern: String) -> Bool {
    pattern.hasSuffix(".") ? name.hasPrefix(pattern) : name == pattern
  }

  /// Parses a decimal number; a time may have a fraction, and is rounded down.
  private static func number(
    _ name: String, _ value: [UInt8], _ path: FilePath
  ) throws(FileError) -> Int64 {
    let text = String(decoding: value, as: UTF8.self)
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = Int64(parts[0]), parts.count == 1 || name == "mtime",
      parts.count == 1 || parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) })
    else {
      throw FileError(
        path, found: "a pax global header with \(name)=\(text)", expected: "a decimal number")
    }
    let isBefore = text.hasPrefix("-") && parts.count == 2 && !parts[1].allSatisfy { $0 == "0" }
    return isBefore ? whole - 1 : whole
  }
}
