// SPDX-License-Identifier: MIT

import Fidelity
import SystemPackage
import TestSupport

extension Census {
  /// Of a directory of the host.
  init(of directory: FilePath) throws {
    let output = try Command([Place.census.string, directory.string]).output()
    self.init(String(decoding: output, as: UTF8.self).split(separator: "\n"))
  }
}
