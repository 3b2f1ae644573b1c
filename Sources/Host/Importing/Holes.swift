// SPDX-License-Identifier: MIT

import Initramfs

extension SparseMap {
  /// The map of a file with data at `extents`, in order; nil if its holes save no page.
  ///
  /// Extents less than a page apart are merged, since that page is needed anyway. If a file has too
  /// many extents, larger holes are filled as well.
  init?(size: UInt64, data extents: [Extent]) {
    var least: UInt64 = 4096
    var merged = Self.merged(extents, least)
    while merged.count > Self.extentLimit {
      least *= 2
      merged = Self.merged(merged, least)
    }
    self.init(size: size, extents: merged)
    if pages(of: 4096) >= (size + 4095) / 4096 { return nil }
  }

  private static func merged(_ extents: [Extent], _ least: UInt64) -> [Extent] {
    var merged: [Extent] = []
    for extent in extents where extent.count > 0 {
      if let last = merged.last, extent.offset - last.end < least {
        merged[merged.count - 1].count = extent.end - last.offset
      } else {
        merged.append(extent)
      }
    }
    return merged
  }
}

/// Passes on a file's extents, with zero bytes where data is missing.
struct ExtentFilter {
  private var rest: ArraySlice<Extent>
  private let size: UInt64

  private static let zeros = [UInt8](repeating: 0, count: 1 << 20)

  init(_ map: SparseMap?, size: UInt64) {
    self.size = size
    rest = map?.extents[...] ?? [Extent(offset: 0, count: size)]
  }

  /// Adds the next bytes, which are at `offset` of the file.
  /// - Returns: Whether they all lie in the extents.
  mutating func add(
    _ bytes: UnsafeRawBufferPointer, at offset: UInt64,
    _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws -> Bool {
    try fill(to: min(offset, size), body)
    var start = 0
    while start < bytes.count {
      guard let extent = rest.first, extent.offset == offset + UInt64(start) else { return false }
      let count = Int(min(extent.count, UInt64(bytes.count - start)))
      try body(UnsafeRawBufferPointer(rebasing: bytes[start..<(start + count)]))
      take(UInt64(count))
      start += count
    }
    return true
  }

  mutating func finish(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try fill(to: size, body)
  }

  private mutating func fill(
    to end: UInt64, _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    while let extent = rest.first, extent.offset < end {
      let count = Int(min(end - extent.offset, extent.count, UInt64(Self.zeros.count)))
      try Self.zeros.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
      take(UInt64(count))
    }
  }

  private mutating func take(_ count: UInt64) {
    rest[rest.startIndex].offset += count
    rest[rest.startIndex].count -= count
    if rest[rest.startIndex].count == 0 { rest = rest.dropFirst() }
  }
}
