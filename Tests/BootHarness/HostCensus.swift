// SPDX-License-Identifier: MIT

import Fidelity
import SystemPackage
import TestSupport
import Testing

extension Census {
  /// Of a directory of the host.
  init(of directory: FilePath) throws {
    let output = try Command([Place.census.string, directory.string]).output()
    self.init(String(decoding: output, as: UTF8.self).split(separator: "\n"))
  }
}

extension Outcome {
  /// A packed tree has, besides what the boot puts there, what it has on the host.
  /// - Parameter isExcused: tells of a difference that must be.
  func expectTree(of host: Census, but isExcused: (String) -> Bool) {
    let differences = census.ownEntries.differences(from: host.ownEntries).filter { line in
      ![".leafroot-boot", "/proc/", "/sys/"].contains { line.contains($0) } && !isExcused(line)
    }
    #expect(differences.isEmpty, "\(differences.prefix(20)) \(self)")
  }
}
