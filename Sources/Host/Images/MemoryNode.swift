// SPDX-License-Identifier: MIT

import Initramfs
package import Newc

extension MemoryTree {
  /// A file.
  package struct Node {
    package var mode: UInt32
    package var userID: UInt32 = 0
    package var groupID: UInt32 = 0
    /// nil for the time at which it was made, or something was last made in it.
    package var modificationTime: Int64?
    package var device = Device()
    package var size: UInt64 = 0
    /// The data extents of a sparse regular file.
    var sparse: SparseMap?
    package var target: [UInt8] = []
    /// The number of its names; 1 for a directory that exists.
    var names = 1
    /// The parent of a directory.
    var parent = 0
    /// The number of files in a directory.
    var count = 0
    /// The number of the record that provided its data.
    package var dataRecord: Int?

    package var type: Entry.FileType? { Entry.FileType(rawValue: mode & 0o170000) }
  }
}
