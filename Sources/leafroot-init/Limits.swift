// SPDX-License-Identifier: MIT

import CLinux

/// The limits of a tmpfs, as statfs(2) gives them: 0 is none, which is also what a ramfs says.
struct Limits {
  private let raw: statfs

  init?(of descriptor: Int32) {
    var result = statfs()
    guard fstatfs(descriptor, &result) == 0 else { return nil }
    raw = result
  }

  init?(ofPath path: StaticString) {
    let directory = path.withCString { linux_openat(AT_FDCWD, $0, O_RDONLY | O_DIRECTORY, 0) }
    if directory < 0 { return nil }
    defer { close(directory) }
    self.init(of: directory)
  }

  /// Whether one more entry can be made.
  var hasInodes: Bool { inodes == 0 || raw.f_ffree > 0 }

  private var blockSize: Int { Int(raw.f_bsize) }
  private var blocks: Int { Int(raw.f_blocks) }
  private var inodes: Int { Int(raw.f_files) }
  private var usedInodes: Int { inodes - Int(raw.f_ffree) }

  /// In bytes.
  var size: Int { blocks * blockSize }
  var used: Int { (blocks - Int(raw.f_bfree)) * blockSize }

  /// Options for a tmpfs with the same limits, that surely holds what this one holds: while the
  /// tree moves, each file with hard links counts one inode more.
  var options: Text {
    var text = Text("size=")
    text.add(max(size, used))
    text.add(",nr_inodes=")
    text.add(inodes == 0 ? 0 : max(inodes, usedInodes + usedInodes / 2 + 16))
    return text
  }

  /// Whether a file system of these limits, and empty, holds what `other` holds.
  func hold(_ other: Limits) -> Bool { size == 0 || other.used <= size }
}

/// The value of `initramfs_options=`: tmpfs mount options, as Linux 6.18 spells the word. A kernel
/// that knows it keeps it to itself, so that it is only in /proc/cmdline; the last one counts.
func givenOptions(_ words: Words, _ proc: Proc) -> Text? {
  if let value = words.options {
    var text = Text()
    text.add(value)
    return text
  }

  let commandLine = proc.read(Text("cmdline")) ?? []
  var found: Text?
  for word in commandLine.split(whereSeparator: { $0 == 0x20 || $0 == 0x0a }) {
    // Behind "--" stands what is the init's alone.
    if word.elementsEqual([0x2d, 0x2d]) { break }
    guard word.starts(with: "initramfs_options=") else { continue }
    var text = Text()
    text.add(word.dropFirst(18).filter { $0 != 0x22 })
    found = text
  }
  return found
}
