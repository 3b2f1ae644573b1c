// SPDX-License-Identifier: MIT

import Initramfs
package import Newc

extension MemoryTree {
  /// A file.
  package struct Node {
    package var mode: UInt32
    package var userID: UInt32 = 0
    package var groupID: UInt32 = 0
    /// nil: when it was made, or something was made in it.
    package var modificationTime: Int64?
    package var device = Device()
    package var size: UInt64 = 0
    /// Where the data of a regular file with holes are.
    var sparse: SparseMap?
    package var target: [UInt8] = []
    /// How many names it has; of a directory, 1 while it is there.
    var names = 1
    /// The directory that a directory is in.
    var parent = 0
    /// How many files are in a directory.
    var count = 0
    /// The record that its data came with, as a running number.
    package var dataRecord: Int?

    package var type: Entry.FileType? { Entry.FileType(rawValue: mode & 0o170000) }
  }
}
