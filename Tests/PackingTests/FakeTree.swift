// SPDX-License-Identifier: MIT

import SystemPackage

@testable import Importing

/// Files without content.
struct FakeTree: TreeSource {
  let files: [TreeFile]
  var permissions: FilePermissions { .ownerReadWrite }

  func readContents(
    of isWanted: (Int) -> Bool, progress: @escaping (Int64, Int64) -> Void,
    begin: (Int) throws -> Void, data: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    for (index, file) in files.enumerated() where file.dataSize > 0 && isWanted(index) {
      try begin(index)
    }
  }
}
