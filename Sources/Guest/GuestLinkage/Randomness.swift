// SPDX-License-Identifier: MIT

import CLinux

/// arc4random(3), which musl lacks: the seed of Swift's dictionaries, so that no image can be
/// crafted whose names collide.
///
/// Uses the 16 bytes that the kernel gives each program (getauxval(3), AT_RANDOM): getrandom(2)
/// would wait on a machine that has just started.
@c(arc4random_buf)
public func randomize(_ buffer: UnsafeMutableRawPointer, _ count: Int) {
  let seed = UnsafeRawPointer(bitPattern: getauxval(UInt(AT_RANDOM)))
  for offset in 0..<count {
    let byte = seed?.load(fromByteOffset: offset % 16, as: UInt8.self) ?? 0
    buffer.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
  }
}
