// SPDX-License-Identifier: MIT

/// Returns the beginning of an x86 kernel, with its version at 0x3000:
/// Documentation/arch/x86/boot.rst.
/// - Parameter release: The version; nil for the header alone.
public func x86Kernel(release: String? = nil) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: release == nil ? 0x400 : 0x3000)
  bytes.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
  guard let release else { return bytes }
  bytes += Array(release.utf8)
  bytes += [UInt8](repeating: 0, count: 600)
  (bytes[0x20E], bytes[0x20F]) = (0x00, 0x2E)
  return bytes
}
