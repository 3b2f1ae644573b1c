// SPDX-License-Identifier: MIT

public import Newc

/// A sequence of records with arbitrary headers.
public struct Archive {
  public var bytes: [UInt8] = []

  public init() {}

  /// Adds a record.
  public mutating func add(
    _ name: String, _ mode: UInt32 = 0o100644, _ data: [UInt8] = [],
    _ change: (inout Header) -> Void = { _ in }
  ) {
    let name = Array(name.utf8) + [0]
    var header = Header(mode: mode, dataSize: UInt32(data.count), nameSize: UInt32(name.count))
    change(&header)
    header.append(to: &bytes)
    bytes += name
    bytes += Writer.padding(after: UInt64(bytes.count))
    bytes += data
    bytes += Writer.padding(after: UInt64(bytes.count))
  }

  public mutating func addLink(_ name: String, to target: String) {
    add(name, 0o120777, Array(target.utf8))
  }

  public mutating func addTrailer() { add("TRAILER!!!", 0) }
}
