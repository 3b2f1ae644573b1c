// SPDX-License-Identifier: MIT

/// What an x86 kernel begins with, its version at 0x3000: Documentation/arch/x86/boot.rst.
public func x86Kernel(release: String) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: 0x3000) + Array(release.utf8)
  bytes += [UInt8](repeating: 0, count: 600)
  bytes.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
  (bytes[0x20E], bytes[0x20F]) = (0x00, 0x2E)
  return bytes
}
