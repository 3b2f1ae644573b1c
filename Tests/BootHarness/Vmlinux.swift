// SPDX-License-Identifier: MIT

import Compression
import Files
import Images
import Machines
import SystemPackage
import TestSupport

/// The kernels inside of bzImages. Firmware, the move to a random address and decompression take
/// 0.7 s of the 2.4 s in which an emulated machine reaches PID 1.
enum Vmlinux {
  private static let kernels = Once<Kernel>()

  /// The kernel that decompresses itself from the bzImage at `path`; that bzImage if it has another
  /// header or no entry for QEMU.
  static func inside(_ path: FilePath) async throws -> Kernel {
    try await kernels.value(path.string) {
      let kernel = try Kernel(path)
      guard let bytes = try decompressed(InputFile(path)) else { return kernel }
      let name = path.string.split(separator: "/").suffix(2).joined(separator: "-")
      let output = Place.root.appending("build/test/\(name).vmlinux")
      try OutputFile.write(bytes, to: output)
      return (try? Kernel(output)) ?? kernel
    }
  }

  /// The payload of a bzImage (Documentation/arch/x86/boot.rst): `payload_offset` counts from the
  /// end of the `setup_sects`, and the size of the content follows the compressed bytes.
  private static func decompressed(_ file: InputFile) throws -> [UInt8]? {
    let head = try file.bytes(at: 0, count: 0x250)
    guard head.count == 0x250, head[0x202...].starts(with: "HdrS".utf8) else { return nil }
    func number(_ offset: Int) -> Int {
      (0..<4).reduce(0) { $0 | Int(head[offset + $1]) << (8 * $1) }
    }
    let start = (Int(head[0x1F1]) + 1) * 512 + number(0x248)
    let payload = try file.bytes(at: Int64(start), count: number(0x24C) - 4)
    guard let codec = Codec(magicOf: payload), codec != .raw else { return nil }

    let decoded = try Decoded(payload, codec)
    if let failure = decoded.failure { throw failure }
    return decoded.bytes
  }
}
