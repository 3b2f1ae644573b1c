// SPDX-License-Identifier: MIT

import Foundation
import SystemPackage

/// Gives `body` an image that cannot be unpacked, to be put behind a whole one.
func withDamagedImage(_ body: (FilePath) async throws -> Void) async throws {
  // What only looks like zstd.
  let path = FilePath(NSTemporaryDirectory()).appending("leafroot-damaged-\(UUID())")
  try Data([0x28, 0xb5, 0x2f, 0xfd] + [UInt8](repeating: 0xff, count: 4096))
    .write(to: URL(filePath: path.string))
  defer { try? FileManager.default.removeItem(atPath: path.string) }
  try await body(path)
}
