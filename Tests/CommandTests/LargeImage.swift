// SPDX-License-Identifier: MIT

import OddImages

/// Images that are small here and large when they are unpacked.
enum LargeImage {
  private static let member = Result {
    let record = OddRecord.file("big").with { $0.dataSize = 100 << 20 }
    return try Compressor.zstd.compress(record.bytes + zeros(100 << 20), "-1")
  }

  /// The file `big` of 100 MiB, so many times over, each in a zstd member.
  static func zstd(times: Int) throws -> [UInt8] {
    Array(repeatElement(try member.get(), count: times).joined())
  }
}
