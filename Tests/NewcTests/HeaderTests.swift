// SPDX-License-Identifier: MIT

import Newc
import Testing

@Suite struct HeaderTests {
  /// One header with a different number in each field, as gen_init_cpio would write it.
  private static let text =
    "070701" + "0000000A" + "000081ED" + "00000001" + "00000002" + "00000003" + "65000000"
    + "00000004" + "00000005" + "00000006" + "00000007" + "00000008" + "00000009" + "00000000"

  private static let header = Header(
    inode: 10, mode: 0o100755, userID: 1, groupID: 2, linkCount: 3, modificationTime: 0x6500_0000,
    dataSize: 4, device: Device(major: 5, minor: 6), specialDevice: Device(major: 7, minor: 8),
    nameSize: 9)

  @Test func `a header is 110 bytes of upper-case hex`() {
    var bytes: [UInt8] = []
    HeaderTests.header.append(to: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == HeaderTests.text)
    #expect(bytes.count == Header.size)
  }

  @Test func `a header is read back as it was written`() throws {
    #expect(try Header(Array(HeaderTests.text.utf8).span) == HeaderTests.header)
  }

  @Test func `lower-case digits are read`() throws {
    #expect(try Header(Array(HeaderTests.text.lowercased().utf8).span) == HeaderTests.header)
  }

  @Test func `070702 is the crc format`() throws {
    var header = HeaderTests.header
    header.magic = .crc
    header.checksum = .max
    var bytes: [UInt8] = []
    header.append(to: &bytes)
    #expect(bytes.starts(with: Array("070702".utf8)))
    #expect(try Header(bytes.span) == header)
  }

  @Test(arguments: ["070707", "070700", "07070a", "170701", "0x7070"])
  func `any other magic is refused`(magic: String) {
    let bytes = Array((magic + HeaderTests.text.dropFirst(6)).utf8)
    #expect(throws: Header.Malformed.magic) { try Header(bytes.span) }
  }

  @Test(arguments: [6, 13, 54, 109])
  func `a byte that is no hex digit is refused where it is`(offset: Int) {
    for digit in "gGx /:@`".utf8 {
      var bytes = Array(HeaderTests.text.utf8)
      bytes[offset] = digit
      #expect(throws: Header.Malformed.digit(at: offset)) { try Header(bytes.span) }
    }
  }

  @Test func `each number is read, whatever the others are`() throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let numbers = (0..<13).map { _ in
        UInt32.random(in: 0...UInt32.max, using: &random) >> UInt32.random(in: 0..<32)
      }
      let text = numbers.map { number in
        let digits = String(number, radix: 16, uppercase: Bool.random())
        return String(repeating: "0", count: 8 - digits.utf8.count) + digits
      }
      let header = try Header(Array(("070701" + text.joined()).utf8).span)
      #expect(
        header
          == Header(
            inode: numbers[0], mode: numbers[1], userID: numbers[2], groupID: numbers[3],
            linkCount: numbers[4], modificationTime: numbers[5], dataSize: numbers[6],
            device: Device(major: numbers[7], minor: numbers[8]),
            specialDevice: Device(major: numbers[9], minor: numbers[10]), nameSize: numbers[11],
            checksum: numbers[12]), "\(text)")
    }
  }

  @Test(arguments: [Header.Digits.strict, .lenient])
  func `of all bytes, in each place of a number, only hex digits are taken`(
    digits: Header.Digits
  ) throws {
    // In the field of the user, from 22.
    for place in 0..<8 {
      for byte in UInt8.min...UInt8.max {
        var bytes = Array(HeaderTests.text.utf8)
        bytes.replaceSubrange(22..<30, with: Array("19aFf0A9".utf8))
        bytes[22 + place] = byte
        let number = String(validating: bytes[22..<30], as: UTF8.self).flatMap {
          $0.utf8.contains(UInt8(ascii: "+")) ? nil : UInt32($0, radix: 16)
        }
        switch (number, digits) {
        case (let number?, _):
          #expect(try Header(bytes.span, digits: digits).userID == number)
        case (nil, .strict):
          #expect(throws: Header.Malformed.digit(at: 22 + place)) { try Header(bytes.span) }
        case (nil, .lenient) where place == 1 && byte | 0x20 == UInt8(ascii: "x"): break
        case (nil, .lenient):
          let before = String(decoding: bytes[22..<22 + place], as: UTF8.self)
          #expect(
            try Header(bytes.span, digits: .lenient).userID == UInt32(before, radix: 16) ?? 0)
        }
      }
    }
  }

  /// The kernel's init/initramfs_test.c, `initramfs_test_hdr_hex`: "0x" is not a number here.
  @Test func `the prefix 0x is refused`() {
    let bytes = Array(HeaderTests.text.replacing("0000000A", with: "0x00000A").utf8)
    #expect(throws: Header.Malformed.digit(at: 7)) { try Header(bytes.span) }
  }

  @Test(arguments: [0, 5, 109])
  func `fewer bytes than a header are refused`(count: Int) {
    let bytes = Array(HeaderTests.text.utf8.prefix(count))
    #expect(throws: Header.Malformed.short(count)) { try Header(bytes.span) }
  }
}
