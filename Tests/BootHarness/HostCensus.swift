// SPDX-License-Identifier: MIT

import Fidelity
import SystemPackage
import TestSupport
import Testing

extension Census {
  /// Takes the census of a directory on the host.
  init(of directory: FilePath) throws {
    let output = try Command([Place.census.string, directory.string]).output()
    self.init(String(decoding: output, as: UTF8.self).split(separator: "\n"))
  }
}

extension Outcome {
  /// A packed tree must be the same as on the host, apart from files of the boot itself.
  /// - Parameter isExcused: Whether a difference is expected.
  func expectTree(of host: Census, but isExcused: (String) -> Bool) {
    let differences = census.ownEntries.differences(from: host.ownEntries).filter { line in
      ![".leafroot-boot", "/proc/", "/sys/"].contains { line.contains($0) } && !isExcused(line)
    }
    #expect(differences.isEmpty, "\(differences.prefix(20)) \(self)")
  }
}
