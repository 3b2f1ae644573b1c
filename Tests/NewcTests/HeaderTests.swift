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
