// SPDX-License-Identifier: MIT

public import Compression
public import Newc

/// The differences between kernels in reading an image. Each was seen on the stock kernels of the
/// tests, unless its comment says otherwise.
public struct KernelRules: Equatable, Sendable {
  /// How records are read.
  public var records = Reader.Rules()
  /// What decompressors accept.
  public var members = Decoder.Rules()
  /// The compressors that the kernel has, if it was built with all of them.
  public var codecs = Set(Codec.allCases)
  /// Whether times are kept only with CONFIG_INITRAMFS_PRESERVE_MTIME.
  public var hasTimeOption = true

  /// The rules of the newest known kernel.
  public init() {}

  /// The rules of `version`; nil is the newest known kernel.
  public init(of version: KernelVersion?) {
    if let version { self.init(version) } else { self.init() }
  }

  /// The rules of `version`.
  public init(_ version: KernelVersion) {
    // init/initramfs.c, do_header: hex2bin() for simple_strtoul().
    records.digits = version.has(since: KernelVersion(7, 2)) ? .strict : .lenient
    // 800c24dc34b9 ("initramfs: support cpio extraction with file checksums"); with it came
    // 1274aea127b2 ("initramfs: add INITRAMFS_PRESERVE_MTIME Kconfig option").
    records.takesSums = version.has(since: KernelVersion(5, 19))
    hasTimeOption = records.takesSums
    // e017671f534d ("initramfs: avoid filename buffer overrun"); stable: CVE-2024-53142.
    records.checksNames = version.has(
      since: KernelVersion(6, 13),
      stable: [
        KernelVersion(5, 4, 287), KernelVersion(5, 10, 231), KernelVersion(5, 15, 174),
        KernelVersion(6, 1, 120), KernelVersion(6, 6, 64), KernelVersion(6, 11, 11),
        KernelVersion(6, 12, 2),
      ])
    // 2c484419efc0 ("lib/decompress_unlz4.c: correctly handle zero-padding around initrds"), not
    // seen: Debian's 5.10 has it. Stable kernels have had it since the middle of July 2021.
    members.zerosEndLZ4 = version.has(
      since: KernelVersion(5, 14), stable: [KernelVersion(5, 4, 134), KernelVersion(5, 10, 52)])
    // lib/xz/Kconfig: XZ_DEC_ARM64.
    members.hasARM64Filter = version.has(since: KernelVersion(6, 12))
    // e0c1b49f5b67 ("lib: zstd: Upgrade to latest upstream zstd version 1.4.10"): before, a window
    // of size 0 meant a skippable frame. Seen on 5.10, and not on 6.1.
    members.takesEmptyZstd = version.has(since: KernelVersion(5, 16))
    // lib/decompress_unzstd.c, not seen: there is no older kernel in the tests.
    if !version.has(since: KernelVersion(5, 9)) { codecs.remove(.zstd) }
  }
}
