// SPDX-License-Identifier: MIT

import Leaf

/// Writes down every call with its arguments, and lets some of them fail.
struct RecordingSyscalls: Syscalls {
  /// In the order in which they came.
  private(set) var calls: [String] = []

  /// What the nth call returns, counted from 0. Default: 0.
  var results: [Int: Int32] = [:]

  private mutating func record(_ call: String) -> Int32 {
    defer { calls.append(call) }
    return results[calls.count] ?? 0
  }

  mutating func chdir(_ path: StaticString) -> Int32 { record("chdir(\(path))") }

  mutating func chroot(_ path: StaticString) -> Int32 { record("chroot(\(path))") }

  mutating func umount(_ path: StaticString) -> Int32 { record("umount(\(path))") }

  mutating func mountTmpfs(on path: StaticString) -> Int32 { record("mount(tmpfs, \(path))") }

  mutating func fill(_ path: StaticString) -> Int32 { record("fill(\(path))") }

  mutating func restore() { _ = record("restore()") }

  mutating func seal() -> Int32 { record("seal()") }

  mutating func unseal() { _ = record("unseal()") }
}
