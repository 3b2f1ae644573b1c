// SPDX-License-Identifier: MIT

import Newc

/// The first name of each file that has several: `find_link`, `free_hash`.
struct LinkTable {
  private struct Key: Hashable {
    let inode: UInt32
    let device: Device
    let type: UInt32
  }

  private var names: [Key: [UInt8]] = [:]

  /// Returns the first name of the entry's file; if there is none, stores this one and returns nil.
  mutating func first(_ entry: Entry) -> [UInt8]? {
    let key = Key(
      inode: entry.inode ?? 0, device: entry.device, type: entry.mode & FileMode.type)
    if let name = names[key] { return name }
    names[key] = entry.name
    return nil
  }

  mutating func removeAll() { names.removeAll() }
}
