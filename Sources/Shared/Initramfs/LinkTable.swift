// SPDX-License-Identifier: MIT

import Newc

/// The names that files of several names were first made under: `find_link`, `free_hash`.
struct LinkTable {
  private struct Key: Hashable {
    let inode: UInt32
    let device: Device
    let type: UInt32
  }

  private var names: [Key: [UInt8]] = [:]

  /// The name under which the entry's file came first; this one from now on, if there is none.
  mutating func first(_ entry: Entry) -> [UInt8]? {
    let key = Key(
      inode: entry.inode ?? 0, device: entry.device, type: entry.mode & FileMode.type)
    if let name = names[key] { return name }
    names[key] = entry.name
    return nil
  }

  mutating func removeAll() { names.removeAll() }
}
