// SPDX-License-Identifier: MIT

/// A newc record in which anything can be wrong. It shares no code with the code under test.
public struct OddRecord: Sendable {
  public var magic = "070701"
  public var inode: UInt32 = 0
  public var mode: UInt32
  public var user: UInt32 = 0
  public var group: UInt32 = 0
  public var links: UInt32 = 1
  public var time: UInt32 = 1_500_000_000
  public var device: (UInt32, UInt32) = (0, 1)
  public var node: (UInt32, UInt32) = (0, 0)
  public var check: UInt32 = 0
  /// The name as it is in the record, with its NUL.
  public var name: [UInt8]
  public var data: [UInt8] = []
  /// The sizes of name and data in the header, if not the right ones.
  public var nameSize: UInt32?
  public var dataSize: UInt32?
  /// Text that replaces parts of the header, by offset.
  public var overlay: [Int: String] = [:]

  public init(_ name: String, mode: UInt32, data: String = "") {
    self.init(Array(name.utf8), mode: mode, data: Array(data.utf8))
  }

  public init(_ name: [UInt8], mode: UInt32, data: [UInt8] = []) {
    self.name = name + [0]
    self.mode = mode
    self.data = data
  }

  /// Returns a changed copy, so that records can be made in one expression.
  public func with(_ change: (inout OddRecord) -> Void) -> OddRecord {
    var record = self
    change(&record)
    return record
  }

  /// Header, name and data, each padded to a multiple of 4 as if they began at one.
  public var bytes: [UInt8] {
    let numbers = [
      inode, mode, user, group, links, time, dataSize ?? UInt32(data.count), device.0, device.1,
      node.0, node.1, nameSize ?? UInt32(name.count), check,
    ]
    var bytes = Array(magic.utf8)
    for number in numbers {
      let digits = String(number, radix: 16)
      bytes += Array((String(repeating: "0", count: 8 - digits.count) + digits).utf8)
    }
    for (offset, text) in overlay {
      bytes.replaceSubrange(offset..<(offset + text.utf8.count), with: Array(text.utf8))
    }
    bytes += name
    bytes += zeros(-bytes.count & 3)
    return bytes + data + zeros(-data.count & 3)
  }

  public static func directory(_ name: String, _ mode: UInt32 = 0o755) -> OddRecord {
    OddRecord(name, mode: 0o040000 | mode)
  }

  public static func file(_ name: String, _ data: String = "", _ mode: UInt32 = 0o644) -> OddRecord
  {
    OddRecord(name, mode: 0o100000 | mode, data: data)
  }

  public static func link(_ name: String, to target: String) -> OddRecord {
    OddRecord(name, mode: 0o120777, data: target)
  }

  public static func node(_ name: String, _ mode: UInt32, _ node: (UInt32, UInt32)) -> OddRecord {
    OddRecord(name, mode: mode).with { $0.node = node }
  }

  public static var trailer: OddRecord {
    OddRecord("TRAILER!!!", mode: 0).with { $0.time = 0 }
  }

  /// The record as one name of a hard-linked file.
  public func linked(_ inode: UInt32, links: UInt32 = 2) -> OddRecord {
    with { ($0.inode, $0.links) = (inode, links) }
  }

  /// The record in crc format with the right sum.
  public var summed: OddRecord {
    with {
      $0.magic = "070702"
      $0.check = $0.data.reduce(0) { $0 &+ UInt32($1) }
    }
  }
}

/// Returns `count` zero bytes.
public func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

/// Returns an archive of the records and a trailer.
public func archive(_ records: [OddRecord], trailer: Bool = true) -> [UInt8] {
  (records + (trailer ? [.trailer] : [])).flatMap(\.bytes)
}
