// SPDX-License-Identifier: MIT

import CArchive
import Files
import Glibc
import SystemPackage

/// A libarchive handle that reads from a stream. archive_read(3).
final class ArchiveHandle {
  let raw: OpaquePointer
  /// The source's name in errors.
  let path: FilePath

  private let stream: any ByteStream
  /// The error that the stream threw in a callback.
  private var failure: (any Error)?

  /// The caller enables filters and formats in `prepare`.
  init(_ path: FilePath, _ stream: any ByteStream, prepare: (OpaquePointer) -> Void) throws {
    guard let raw = archive_read_new() else {
      throw FileError(path, cannot: "read", Errno.noMemory)
    }
    self.raw = raw
    self.path = path
    self.stream = stream
    prepare(raw)
    archive_read_set_read_callback(raw) { _, this, buffer in
      ArchiveHandle.from(this).read(buffer)
    }
    archive_read_set_skip_callback(raw) { _, this, count in
      ArchiveHandle.from(this).skip(count)
    }
    archive_read_set_callback_data(raw, Unmanaged.passUnretained(self).toOpaque())
    try check(archive_read_open1(raw))
  }

  deinit { archive_read_free(raw) }

  /// - Throws: the stream's error, or libarchive's as a `FileError`.
  func check(_ result: Int32) throws {
    if let failure { throw failure }
    guard result == ARCHIVE_OK || result == ARCHIVE_EOF || result == ARCHIVE_WARN && isUnconverted
    else { throw error() }
  }

  /// Whether the warning is only about a name that is not UTF-8, as GNU tar may write into a pax
  /// header. The entry then has the unconverted bytes (archive_read_support_format_tar.c,
  /// set_conversion_failed_error()).
  private var isUnconverted: Bool {
    archive_error_string(raw).map {
      String(cString: $0).hasSuffix("can't be converted from UTF-8 to current locale.")
    } ?? false
  }

  /// archive_error_string(3).
  private func error() -> FileError {
    let reason = archive_error_string(raw).map { String(cString: $0) } ?? "is damaged"
    return FileError(path, "cannot be read as an archive: \(reason)")
  }

  private static func from(_ this: UnsafeMutableRawPointer?) -> ArchiveHandle {
    Unmanaged<ArchiveHandle>.fromOpaque(this!).takeUnretainedValue()
  }

  private func read(_ buffer: UnsafeMutablePointer<UnsafeRawPointer?>?) -> Int {
    do {
      let bytes = try stream.next()
      buffer?.pointee = bytes.baseAddress
      return bytes.count
    } catch {
      failure = error
      return Int(ARCHIVE_FATAL)
    }
  }

  private func skip(_ count: Int64) -> Int64 {
    do { return try stream.skip(count) } catch {
      failure = error
      return Int64(ARCHIVE_FATAL)
    }
  }
}

/// Runs `body` in a locale in which names in archives are bytes or UTF-8: in the C locale,
/// libarchive returns no names with non-ASCII characters. newlocale(3), uselocale(3).
func withNamesAsBytes<Result>(_ body: () throws -> Result) rethrows -> Result {
  let locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nil)
  let before = uselocale(locale)
  defer {
    uselocale(before)
    if let locale { freelocale(locale) }
  }
  return try body()
}
