// SPDX-License-Identifier: MIT

/// The fixed part of a newc record: a magic, then thirteen numbers of eight ASCII hex digits each.
///
/// Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
public struct Header: Equatable, Sendable {
  /// The two magics that Linux unpacks.
  public enum Magic: Equatable, Sendable {
    /// `070701`: the checksum field is not looked at.
    case newc
    /// `070702`: the checksum field is the 32-bit sum of all data bytes, and is verified.
    case crc
  }

  /// Why bytes are not a header.
  public enum Malformed: Error, Equatable, Sendable {
    /// Fewer than ``Header/size`` bytes are there; the number is how many.
    case short(Int)
    /// The first six bytes are neither `070701` nor `070702`.
    case magic
    /// The byte at this offset in the header is not a hex digit.
    case digit(at: Int)
  }

  /// How long a header is, in bytes.
  public static let size = 110

  /// Which of the two formats the record is in.
  public var magic: Magic
  /// `c_ino`: with the device, the key of a group of hard links.
  public var inode: UInt32
  /// `c_mode`: type bits and permission bits, as in `st_mode`.
  public var mode: UInt32
  /// `c_uid`.
  public var userID: UInt32
  /// `c_gid`.
  public var groupID: UInt32
  /// `c_nlink`: the kernel looks for other names of the file only where this is more than 1.
  public var linkCount: UInt32
  /// `c_mtime`: seconds since 1970, unsigned, thus good until 2106.
  public var modificationTime: UInt32
  /// `c_filesize`: bytes of data behind the name.
  public var dataSize: UInt32
  /// `c_maj`, `c_min`: the device that the file was on.
  public var device: Device
  /// `c_rmaj`, `c_rmin`: the device that the file is.
  public var specialDevice: Device
  /// `c_namesize`: bytes of the name, with its NUL.
  public var nameSize: UInt32
  /// `c_chksum`.
  public var checksum: UInt32

  /// A header with every field given; those that are mostly zero have that as their default.
  public init(
    magic: Magic = .newc, inode: UInt32 = 0, mode: UInt32 = 0, userID: UInt32 = 0,
    groupID: UInt32 = 0, linkCount: UInt32 = 1, modificationTime: UInt32 = 0,
    dataSize: UInt32 = 0, device: Device = Device(), specialDevice: Device = Device(),
    nameSize: UInt32, checksum: UInt32 = 0
  ) {
    self.magic = magic
    self.inode = inode
    self.mode = mode
    self.userID = userID
    self.groupID = groupID
    self.linkCount = linkCount
    self.modificationTime = modificationTime
    self.dataSize = dataSize
    self.device = device
    self.specialDevice = specialDevice
    self.nameSize = nameSize
    self.checksum = checksum
  }

  /// Reads a header from the first ``size`` bytes.
  ///
  /// Stricter than kernels before 6.14, whose `simple_strntoul` also takes `0x` for two digits.
  /// - Throws: ``Malformed``, with the offset where it is a digit that is wrong.
  public init(_ bytes: Span<UInt8>) throws(Malformed) {
    guard bytes.count >= Header.size else { throw .short(bytes.count) }
    for (offset, byte) in zip(0..., Header.magicPrefix) where bytes[offset] != byte {
      throw .magic
    }
    switch bytes[5] {
    case UInt8(ascii: "1"): magic = .newc
    case UInt8(ascii: "2"): magic = .crc
    default: throw .magic
    }

    inode = try Header.number(0, in: bytes)
    mode = try Header.number(1, in: bytes)
    userID = try Header.number(2, in: bytes)
    groupID = try Header.number(3, in: bytes)
    linkCount = try Header.number(4, in: bytes)
    modificationTime = try Header.number(5, in: bytes)
    dataSize = try Header.number(6, in: bytes)
    device = Device(major: try Header.number(7, in: bytes), minor: try Header.number(8, in: bytes))
    specialDevice = Device(
      major: try Header.number(9, in: bytes), minor: try Header.number(10, in: bytes))
    nameSize = try Header.number(11, in: bytes)
    checksum = try Header.number(12, in: bytes)
  }

  /// Appends the ``size`` bytes of this header.
  public func append(to sink: inout some RangeReplaceableCollection<UInt8>) {
    sink.append(contentsOf: Header.magicPrefix)
    sink.append(magic == .newc ? UInt8(ascii: "1") : UInt8(ascii: "2"))
    for number in [
      inode, mode, userID, groupID, linkCount, modificationTime, dataSize, device.major,
      device.minor, specialDevice.major, specialDevice.minor, nameSize, checksum,
    ] {
      for shift in stride(from: 28, through: 0, by: -4) {
        sink.append(Header.hexDigit(UInt8(truncatingIfNeeded: number >> UInt32(shift)) & 0xF))
      }
    }
  }

  /// `07070`, what both magics begin with.
  private static let magicPrefix: [UInt8] = [0x30, 0x37, 0x30, 0x37, 0x30]

  /// The `index`th of the thirteen numbers.
  private static func number(
    _ index: Int, in bytes: Span<UInt8>
  ) throws(Malformed) -> UInt32 {
    var number: UInt32 = 0
    for offset in (6 + 8 * index)..<(14 + 8 * index) {
      guard let digit = value(ofHexDigit: bytes[offset]) else { throw .digit(at: offset) }
      number = number << 4 | digit
    }
    return number
  }

  private static func value(ofHexDigit byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A")) + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a")) + 10
    default: nil
    }
  }

  /// Upper case, as the kernel's usr/gen_init_cpio.c and GNU cpio write it.
  private static func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
  }
}
