// SPDX-License-Identifier: MIT

import CArchive
import SystemPackage

/// A decompressed stream; the compression is detected.
final class DecodedStream: ByteStream {
  private let handle: ArchiveHandle
  private let budget: Budget
  /// Whether the stream is empty.
  private let isEmpty: Bool

  /// - Parameter budget: Decoded bytes are taken from it.
  init(_ path: FilePath, _ stream: any ByteStream, _ budget: Budget) throws {
    handle = try ArchiveHandle(path, stream) { raw in
      // Enabled one by one: `filter_all` includes filters that start other programs.
      for support in [
        archive_read_support_filter_gzip, archive_read_support_filter_bzip2,
        archive_read_support_filter_compress, archive_read_support_filter_lzma,
        archive_read_support_filter_xz, archive_read_support_filter_lzip,
        archive_read_support_filter_zstd, archive_read_support_filter_lz4,
      ] { _ = support(raw) }
      archive_read_support_format_raw(raw)
      archive_read_support_format_empty(raw)
    }
    self.budget = budget
    var entry: OpaquePointer?
    let result = archive_read_next_header(handle.raw, &entry)
    isEmpty = result == ARCHIVE_EOF
    try handle.check(result)
  }

  /// Whether the stream was compressed.
  var isEncoded: Bool { archive_filter_code(handle.raw, 0) != ARCHIVE_FILTER_NONE }

  func next() throws -> UnsafeRawBufferPointer {
    if isEmpty { return UnsafeRawBufferPointer(start: nil, count: 0) }
    var (block, count, offset): (UnsafeRawPointer?, Int, Int64) = (nil, 0, 0)
    let result = archive_read_data_block(handle.raw, &block, &count, &offset)
    try handle.check(result)
    if result == ARCHIVE_EOF { return UnsafeRawBufferPointer(start: nil, count: 0) }
    try budget.take(Int64(count), of: handle.path)
    return UnsafeRawBufferPointer(start: block, count: count)
  }
}
