// SPDX-License-Identifier: MIT

/// An extended attribute of a file: xattr(7).
public struct Xattr: Hashable, Sendable {
  /// With its namespace: `security.capability`.
  public var name: [UInt8]
  public var value: [UInt8]

  public init(name: [UInt8], value: [UInt8]) {
    self.name = name
    self.value = value
  }
}

/// What a record of a payload has beyond newc, given by its sidecar. See ``SidecarReader``.
///
/// A class, since thousands of records share one.
public final class Extra: Sendable {
  public let xattrs: [Xattr]
  /// The modification time in seconds since 1970, if newc cannot hold it.
  public let time: Int64?
  /// Where the record's data belong in a file with holes.
  public let sparse: SparseMap?
  /// Whether the symbolic link is another name of the one in the previous record.
  public let isLink: Bool

  public init(
    xattrs: [Xattr] = [], time: Int64? = nil, sparse: SparseMap? = nil, isLink: Bool = false
  ) {
    self.xattrs = xattrs
    self.time = time
    self.sparse = sparse
    self.isLink = isLink
  }
}

extension Extra: Equatable {
  public static func == (one: Extra, other: Extra) -> Bool {
    one.xattrs == other.xattrs && one.time == other.time && one.sparse == other.sparse
      && one.isLink == other.isLink
  }
}

/// A part of a file that has data.
public struct Extent: Equatable, Sendable {
  public var offset: UInt64
  public var count: UInt64

  public init(offset: UInt64, count: UInt64) {
    self.offset = offset
    self.count = count
  }

  /// The offset after the extent.
  public var end: UInt64 { offset + count }
}

/// The size of a file with holes, and where its data are.
public struct SparseMap: Equatable, Sendable {
  public let size: UInt64
  /// In order; not empty, and with gaps between them.
  public let extents: [Extent]

  /// The most extents a file may have. One line of a sidecar lists them all.
  public static var extentLimit: Int { 16_384 }

  /// nil if the extents are unordered, touching, empty, too many, or beyond the size, or if `size`
  /// is not a valid file size.
  public init?(size: UInt64, extents: [Extent]) {
    guard size > 0, size <= UInt64(Int64.max), extents.count <= Self.extentLimit else {
      return nil
    }
    var free: UInt64 = 0
    for (index, extent) in extents.enumerated() {
      let (end, overflow) = extent.offset.addingReportingOverflow(extent.count)
      guard !overflow, extent.count > 0, end <= size, extent.offset >= free else { return nil }
      if index > 0, extent.offset == free { return nil }
      free = end
    }
    self.size = size
    self.extents = extents
  }

  /// The number of bytes of data.
  public var count: UInt64 { extents.reduce(0) { $0 + $1.count } }

  /// Returns the number of pages of `pageSize` bytes that have data: what a tmpfs needs.
  public func pages(of pageSize: UInt64) -> UInt64 {
    var (pages, free): (UInt64, UInt64) = (0, 0)
    for extent in extents {
      let first = max(extent.offset / pageSize, free)
      free = (extent.end - 1) / pageSize + 1
      pages += free - min(first, free)
    }
    return pages
  }
}
