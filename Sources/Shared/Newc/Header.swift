// SPDX-License-Identifier: MIT

/// The fixed part of a newc record: a magic, then thirteen numbers of eight ASCII hex digits each.
///
/// Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
public struct Header: Equatable, Sendable {
  /// The two magics that Linux unpacks.
  public enum Magic: Equatable, Sendable {
    /// `070701`: the checksum field is ignored.
    case newc
    /// `070702`: the checksum field is the 32-bit sum of all data bytes, and is verified.
    case crc
  }

  /// Why bytes are not a header.
  public enum Malformed: Error, Equatable, Sendable {
    /// Only this many bytes, fewer than ``Header/size``.
    case short(Int)
    /// The first six bytes are neither `070701` nor `070702`.
    case magic
    /// The byte at this offset in the header is not a hex digit.
    case digit(at: Int)
  }

  /// The size of a header in bytes.
  public static let size = 110

  /// The format of the record.
  public var magic: Magic
  /// `c_ino`: with the device, the key of a group of hard links.
  public var inode: UInt32
  /// `c_mode`: type bits and permission bits, as in `st_mode`.
  public var mode: UInt32
  /// `c_uid`.
  public var userID: UInt32
  /// `c_gid`.
  public var groupID: UInt32
  /// `c_nlink`: the kernel looks for other names of the file only if this is greater than 1.
  public var linkCount: UInt32
  /// `c_mtime`: seconds since 1970, unsigned, which lasts until 2106.
  public var modificationTime: UInt32
  /// `c_filesize`: bytes of data after the name.
  public var dataSize: UInt32
  /// `c_maj`, `c_min`: the device that the file was on.
  public var device: Device
  /// `c_rmaj`, `c_rmin`: the device that the file is.
  public var specialDevice: Device
  /// `c_namesize`: bytes of the name, with its NUL.
  public var nameSize: UInt32
  /// `c_chksum`.
  public var checksum: UInt32

  /// A header; fields that are usually zero default to zero.
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

  /// How strictly the thirteen numbers are read.
  public enum Digits: Sendable {
    /// All eight digits must be hexadecimal (`hex2bin`, recent kernels).
    case strict
    /// A number ends at the first other byte, and `0x` may precede it (`simple_strtoul`, Linux 6.1
    /// and 6.12): nothing is refused.
    case lenient
  }

  /// Reads a header from the first ``size`` bytes.
  ///
  /// - Throws: ``Malformed``, with the offset of a wrong digit.
  public init(_ bytes: Span<UInt8>, digits: Digits = .strict) throws(Malformed) {
    guard bytes.count >= Header.size else { throw .short(bytes.count) }
    for (offset, byte) in zip(0..., Header.magicPrefix) where bytes[offset] != byte {
      throw .magic
    }
    let magic: Magic
    switch bytes[5] {
    case UInt8(ascii: "1"): magic = .newc
    case UInt8(ascii: "2"): magic = .crc
    default: throw .magic
    }

    self.init(magic: magic, nameSize: 0)
    inode = try Header.number(0, in: bytes, digits)
    mode = try Header.number(1, in: bytes, digits)
    userID = try Header.number(2, in: bytes, digits)
    groupID = try Header.number(3, in: bytes, digits)
    linkCount = try Header.number(4, in: bytes, digits)
    modificationTime = try Header.number(5, in: bytes, digits)
    dataSize = try Header.number(6, in: bytes, digits)
    device.major = try Header.number(7, in: bytes, digits)
    device.minor = try Header.number(8, in: bytes, digits)
    specialDevice.major = try Header.number(9, in: bytes, digits)
    specialDevice.minor = try Header.number(10, in: bytes, digits)
    nameSize = try Header.number(11, in: bytes, digits)
    checksum = try Header.number(12, in: bytes, digits)
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

  /// `07070`, the beginning of both magics.
  private static let magicPrefix: [UInt8] = [0x30, 0x37, 0x30, 0x37, 0x30]

  /// The `index`th of the thirteen numbers.
  private static func number(
    _ index: Int, in bytes: Span<UInt8>, _ digits: Digits
  ) throws(Malformed) -> UInt32 {
    let end = 14 + 8 * index
    var start = end - 8
    let word = bytes.extracting(start..<end).bytes.unsafeLoadUnaligned(as: UInt64.self)
    if let number = number(ofDigits: UInt64(bigEndian: word)) { return number }

    // lib/kstrtox.c, `_parse_integer_fixup_radix`: only before a digit.
    if digits == .lenient, bytes[start] == UInt8(ascii: "0"), bytes[start + 1] | 0x20 == 0x78,
      value(ofHexDigit: bytes[start + 2]) < 16
    {
      start += 2
    }
    var number: UInt32 = 0
    for offset in start..<end {
      let digit = value(ofHexDigit: bytes[offset])
      guard digit < 16 else {
        if digits == .lenient { break }
        throw .digit(at: offset)
      }
      number = number << 4 | UInt32(digit)
    }
    return number
  }

  /// Returns the number with these eight hex digits, the first one in the highest byte; nil if a
  /// byte is not a hex digit. Reads all eight at once: one by one, they took a sixth of the time to
  /// list an image.
  private static func number(ofDigits digits: UInt64) -> UInt32? {
    let ones: UInt64 = 0x0101_0101_0101_0101
    // Bit 6 is set in a letter, and not in a decimal digit.
    let letters = digits >> 6 & ones
    var values = (digits & (0x0F * ones)) + 9 * letters
    let hasRightZones = (digits | letters << 5) & (0xF0 * ones) == 0x30 * (ones + letters)
    let isBelow16 = values & (0xF0 * ones) == 0
    let lettersAreFrom10 = (values + 6 * ones) >> 4 & ones == letters
    guard hasRightZones, isBelow16, lettersAreFrom10 else { return nil }

    values = (values | values >> 4) & 0x00FF_00FF_00FF_00FF
    values = (values | values >> 8) & 0x0000_FFFF_0000_FFFF
    return UInt32(truncatingIfNeeded: values | values >> 16)
  }

  /// The value of a hex digit; 16 or more if the byte is not one.
  private static func value(ofHexDigit byte: UInt8) -> UInt8 {
    let decimal = byte &- UInt8(ascii: "0")
    let letter = (byte | 0x20) &- UInt8(ascii: "a")
    return decimal < 10 ? decimal : letter < 6 ? letter + 10 : 16
  }

  /// Upper case, as the kernel's usr/gen_init_cpio.c and GNU cpio write it.
  private static func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
  }
}
