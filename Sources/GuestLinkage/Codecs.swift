// SPDX-License-Identifier: MIT

// Debian's archives of the compressors' libraries are compiled against glibc, and for riscv64 with
// calls of libgcc. Here is what the guest has neither for. Found by linking: what a new version of
// an archive wants besides, the linker names.

import CLinux

/// fprintf(3) under the name in glibc's <bits/stdio2.h>; ignores the arguments after the format.
///
/// libbz2 calls it where it finds a fault in itself (`BZ2_bz__AssertH__fail`), before exit(3), and
/// with a verbosity above 0, which nobody asks for. So the line that says what ended PID 1 has its
/// words, not its numbers.
@c(__fprintf_chk)
public func printFortified(
  _ stream: OpaquePointer?, _ flag: Int32, _ format: UnsafePointer<CChar>
) -> Int32 {
  Int32(truncatingIfNeeded: write(2, format, strlen(format)))
}

/// fopen(3) with 64-bit offsets, which musl has under that name only up to 1.2.3.
///
/// `BZ2_bzopen` wants it, which nobody calls: it is linked because the archive has one section for
/// all functions of a file.
@c(fopen64)
public func openLarge(
  _ path: UnsafePointer<CChar>?, _ mode: UnsafePointer<CChar>?
) -> OpaquePointer? { nil }

#if arch(riscv64)
  // Without the extension Zbb, gcc leaves these to libgcc, clang does not.

  /// libgcc: zero bits above the highest that is set.
  @c(__clzdi2)
  public func leadingZeros(_ value: UInt) -> Int32 { Int32(value.leadingZeroBitCount) }

  /// libgcc: zero bits below the lowest that is set.
  @c(__ctzdi2)
  public func trailingZeros(_ value: UInt) -> Int32 { Int32(value.trailingZeroBitCount) }

  /// libgcc: the four bytes, the last first.
  @c(__bswapsi2)
  public func swapBytes32(_ value: UInt32) -> UInt32 { value.byteSwapped }

  /// libgcc: the eight bytes, the last first.
  @c(__bswapdi2)
  public func swapBytes64(_ value: UInt64) -> UInt64 { value.byteSwapped }
#endif
