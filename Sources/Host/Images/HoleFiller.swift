// SPDX-License-Identifier: MIT

package import Initramfs

/// Inserts a file's holes, as zero bytes, between its data.
package struct HoleFiller {
  private let size: UInt64
  private var extents: ArraySlice<Extent>
  private var place: UInt64 = 0

  private static let zeros = [UInt8](repeating: 0, count: 1 << 20)

  package init(size: UInt64, _ extents: [Extent]) {
    self.size = size
    self.extents = extents[...]
  }

  package mutating func add(
    _ bytes: UnsafeRawBufferPointer, _ consume: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    var rest = bytes[...]
    while let extent = extents.first, !rest.isEmpty {
      try fill(to: extent.offset, consume)
      let part = rest.prefix(Int(min(extent.end - place, UInt64(rest.count))))
      try consume(UnsafeRawBufferPointer(rebasing: part))
      rest = rest.dropFirst(part.count)
      place += UInt64(part.count)
      if place == extent.end { extents = extents.dropFirst() }
    }
  }

  package mutating func finish(_ consume: (UnsafeRawBufferPointer) throws -> Void) throws {
    try fill(to: size, consume)
  }

  private mutating func fill(
    to end: UInt64, _ consume: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    while place < end {
      let count = Int(min(end - place, UInt64(Self.zeros.count)))
      try Self.zeros.withUnsafeBytes { try consume(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
      place += UInt64(count)
    }
  }
}
