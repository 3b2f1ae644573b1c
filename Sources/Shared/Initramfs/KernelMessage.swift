// SPDX-License-Identifier: MIT

import Compression
import Newc

extension Refusal {
  /// The kernel's message, without Swift's String. init/initramfs.c, lib/decompress_*.c.
  public var literalKernelMessage: StaticString {
    switch fault {
    case .record(let reason, _): reason.literalKernelMessage
    case .magic: "invalid magic at start of compressed archive"
    case .junk: "junk within compressed archive"
    case .unfinishedRecord: "junk at the end of compressed archive"
    case .member(_, _, let failure): failure.kernelMessage ?? "decompressor failed"
    }
  }
}

extension Reader.Malformed.Reason {
  fileprivate var literalKernelMessage: StaticString {
    switch self {
    case .magic(let bytes):
      bytes.elementsEqual(Self.oldMagic)
        ? "incorrect cpio method used: use -H newc option" : "no cpio magic"
    case .digit: "damaged header"
    case .nameUnterminated: "malformed archive"
    case .checksum: "bad data checksum"
    case .padding: "broken padding"
    }
  }

  /// The magic of the format before newc: 070707.
  private static var oldMagic: [UInt8] { [0x30, 0x37, 0x30, 0x37, 0x30, 0x37] }
}
