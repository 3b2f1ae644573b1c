// SPDX-License-Identifier: MIT

import CArchive
import Files
import Glibc
import Newc
import SystemPackage

/// One record of a tar archive.
struct TarEntry {
  /// As it is in the archive.
  var name: [UInt8]
  /// The name of the file that this is another name of.
  var hardLink: [UInt8]?
  /// Metadata; the content's size. Its name is not set.
  var file: Entry
  /// Where a symbolic link leads.
  var target: [UInt8]
  /// The modification time in seconds since 1970.
  var seconds: Int64
  var xattrs: [Xattr]

  var isDirectory: Bool { hardLink == nil && file.type == .directory }
}

/// Reads a tar archive: POSIX pax, GNU, ustar and older ones. libarchive.
final class TarReader {
  private let handle: ArchiveHandle
  /// The current entry, libarchive's.
  private var entry: OpaquePointer?

  /// - Parameter path: what errors name.
  init(_ path: FilePath, _ stream: any ByteStream) throws {
    handle = try ArchiveHandle(path, stream) { raw in
      archive_read_support_format_tar(raw)
      archive_read_support_format_gnutar(raw)
    }
  }

  /// - Throws: ``FileError``, also for what cannot be carried.
  func next() throws -> TarEntry? {
    entry = nil
    let result = archive_read_next_header(handle.raw, &entry)
    try handle.check(result)
    guard result != ARCHIVE_EOF, let entry else { return nil }

    guard let name = archive_entry_pathname(entry) else {
      throw FileError(handle.path, "has a record whose name cannot be read")
    }
    var file = Entry(
      name: [], mode: archive_entry_mode(entry), userID: try owner(archive_entry_uid(entry), name),
      groupID: try owner(archive_entry_gid(entry), name))
    if file.type == .characterDevice || file.type == .blockDevice {
      file.specialDevice = Device(
        major: UInt32(truncatingIfNeeded: archive_entry_rdevmajor(entry)),
        minor: UInt32(truncatingIfNeeded: archive_entry_rdevminor(entry)))
    }
    let hardLink = archive_entry_hardlink(entry).map(bytes)
    if hardLink != nil || file.type == .regular {
      file.size = UInt64(max(0, archive_entry_size(entry)))
    }
    return TarEntry(
      name: bytes(name), hardLink: hardLink, file: file,
      target: archive_entry_symlink(entry).map(bytes) ?? [],
      seconds: Int64(archive_entry_mtime(entry)), xattrs: xattrs(of: entry))
  }

  /// Hands out the content of the last entry, with holes as zero bytes.
  func readData(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    let size = archive_entry_size(entry)
    var position: Int64 = 0
    while true {
      var (block, count, offset): (UnsafeRawPointer?, Int, Int64) = (nil, 0, 0)
      let result = archive_read_data_block(handle.raw, &block, &count, &offset)
      try handle.check(result)
      let end = result == ARCHIVE_EOF
      try writeZeros(min(size, end ? size : offset) - position, body)
      if end { return }
      try body(UnsafeRawBufferPointer(start: block, count: count))
      position = offset + Int64(count)
    }
  }

  /// A stream of the content of the last entry.
  func content() -> any ByteStream { EntryStream(handle) }

  private func writeZeros(
    _ count: Int64, _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    guard count > 0 else { return }
    let zeros = [UInt8](repeating: 0, count: Int(min(count, 1 << 20)))
    var left = count
    while left > 0 {
      try zeros.withUnsafeBytes {
        try body(UnsafeRawBufferPointer(rebasing: $0.prefix(Int(min(left, 1 << 20)))))
      }
      left -= min(left, 1 << 20)
    }
  }

  private func owner(_ id: Int64, _ name: UnsafePointer<CChar>) throws(FileError) -> UInt32 {
    guard let id = UInt32(exactly: id) else {
      throw FileError(
        handle.path, found: "\(quoted(bytes(name))) with the owner \(id)",
        expected: "a number of 32 bits")
    }
    return id
  }

  // MARK: Extended attributes

  private func xattrs(of entry: OpaquePointer) -> [Xattr] {
    var xattrs: [Xattr] = []
    archive_entry_xattr_reset(entry)
    var (name, value, count): (UnsafePointer<CChar>?, UnsafeRawPointer?, Int) = (nil, nil, 0)
    while archive_entry_xattr_next(entry, &name, &value, &count) == ARCHIVE_OK {
      guard let name else { continue }
      let value = UnsafeRawBufferPointer(start: value, count: count)
      xattrs.append(Xattr(name: Self.unescaped(bytes(name)), value: Array(value)))
    }
    for (type, name) in [
      (ARCHIVE_ENTRY_ACL_TYPE_ACCESS, "system.posix_acl_access"),
      (ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, "system.posix_acl_default"),
    ] where archive_entry_acl_count(entry, type) > 0 {
      xattrs.append(Xattr(name: Array(name.utf8), value: acl(of: entry, type)))
    }
    return xattrs.sorted { $0.name.lexicographicallyPrecedes($1.name) }
  }

  /// GNU tar writes `=`, which ends a keyword of pax, as `%3D`, and `%` as `%25`.
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

/// The content of an entry that is no sparse file.
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
