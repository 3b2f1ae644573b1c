// SPDX-License-Identifier: MIT

import CLinux

/// Prints all that can be seen of a tree, one entry a line: on a host of the directory that is
/// named, as PID 1 of a virtual machine of `/`, and then resets the machine. It changes nothing.
///
///     PATH MODE UID:GID LINKS MAJOR:MINOR SIZE MTIME INODE CONTENT [XATTR=VALUE]…
///
/// CONTENT is a file's checksum or a symbolic link's target; paths, targets and the extended
/// attributes are escaped as in URLs, so that a serial console brings them over. Of directories, neither links nor size are
/// told: each file system has its own.
///
/// SwiftPM links an executable's `main` under this name.
@c(census_main)
func main(_ count: Int32, _ arguments: UnsafePointer<UnsafePointer<CChar>?>) -> Int32 {
  var census = Census()
  guard getpid() == 1 else {
    guard count == 2, let path = arguments[1] else { return 64 }
    return census.take(of: path) ? 0 : 1
  }

  census.say("@census begin\n")
  let root: [CChar] = [0x2F, 0]
  _ = census.take(of: root)
  census.say("@census end\n")
  census.flush()
  sync()
  reboot(Int32(bitPattern: UInt32(RB_AUTOBOOT)))
  return 0
}

struct Census {
  private var line: [UInt8] = []

  mutating func say(_ text: StaticString) {
    text.withUTF8Buffer { line.append(contentsOf: $0) }
  }

  /// write(2) of what has been said.
  mutating func flush() {
    var start = 0
    while start < line.count {
      let written = line.withUnsafeBytes { write(1, $0.baseAddress! + start, $0.count - start) }
      if written <= 0 { break }
      start += written
    }
    line.removeAll(keepingCapacity: true)
  }

  /// The tree below `path`.
  mutating func take(of path: UnsafePointer<CChar>) -> Bool {
    let directory = linux_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0)
    guard directory >= 0 else { return false }
    defer { close(directory) }

    var status = linux_status()
    let empty: [CChar] = [0]
    guard
      linux_statx(directory, empty, LINUX_AT_EMPTY_PATH, LINUX_STATX_BASIC_STATS, &status) == 0
    else { return false }
    add([UInt8(ascii: ".")], status)
    line.append(UInt8(ascii: "\n"))
    let isWhole = walk(directory, [UInt8(ascii: ".")])
    flush()
    return isWhole
  }

  private mutating func walk(_ directory: Int32, _ path: [UInt8]) -> Bool {
    var isWhole = true
    for name in sorted(names(in: directory)) {
      let cName = name.map { CChar(bitPattern: $0) } + [0]
      let child = path + [UInt8(ascii: "/")] + name
      var status = linux_status()
      guard
        linux_statx(directory, cName, AT_SYMLINK_NOFOLLOW, LINUX_STATX_BASIC_STATS, &status) == 0
      else {
        isWhole = false
        continue
      }

      add(child, status)
      let type = UInt32(status.mode) & UInt32(S_IFMT)
      if type == UInt32(S_IFREG) {
        add(sum(of: cName, in: directory), radix: 16)
      } else if type == UInt32(S_IFLNK) {
        add(escaped: target(of: cName, in: directory))
      }
      addXattrs(of: cName, in: directory)
      line.append(UInt8(ascii: "\n"))
      if line.count > 60_000 { flush() }

      guard type == UInt32(S_IFDIR) else { continue }
      let inner = linux_openat(directory, cName, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
      guard inner >= 0 else {
        isWhole = false
        continue
      }
      if !walk(inner, child) { isWhole = false }
      close(inner)
    }
    return isWhole
  }

  private mutating func add(_ path: [UInt8], _ status: linux_status) {
    let isDirectory = UInt32(status.mode) & UInt32(S_IFMT) == UInt32(S_IFDIR)
    add(escaped: path)
    say(" ")
    add(UInt64(status.mode), radix: 8)
    say(" ")
    add(UInt64(status.uid))
    say(":")
    add(UInt64(status.gid))
    say(" ")
    add(isDirectory ? 0 : UInt64(status.links))
    say(" ")
    add(UInt64(status.rdev_major))
    say(":")
    add(UInt64(status.rdev_minor))
    say(" ")
    add(isDirectory ? 0 : status.size)
    say(" ")
    add(UInt64(bitPattern: status.modified.seconds))
    say(" ")
    add(status.inode)
    say(" ")
  }

  private mutating func add(_ number: UInt64, radix: UInt64 = 10) {
    var digits: [UInt8] = []
    var rest = number
    repeat {
      let digit = UInt8(truncatingIfNeeded: rest % radix)
      digits.append(digit < 10 ? 48 + digit : 87 + digit)
      rest /= radix
    } while rest > 0
    line.append(contentsOf: digits.reversed())
  }

  private mutating func add(escaped bytes: [UInt8]) {
    for byte in bytes {
      if byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "%") {
        line.append(byte)
      } else {
        say("%")
        if byte < 16 { say("0") }
        add(UInt64(byte), radix: 16)
      }
    }
  }

  /// Sorted. llistxattr(2) has no `*at` form before Linux 6.13.
  private mutating func addXattrs(of name: [CChar], in directory: Int32) {
    guard fchdir(directory) == 0 else { return }
    var list = [CChar](repeating: 0, count: 4096)
    let count = llistxattr(name, &list, list.count)
    guard count > 0 else { return }
    let names = list[..<count].split(separator: 0).map { $0.map { UInt8(bitPattern: $0) } }
    for attribute in sorted(names) {
      let cAttribute = attribute.map { CChar(bitPattern: $0) } + [0]
      var value = [UInt8](repeating: 0, count: 4096)
      let size = lgetxattr(name, cAttribute, &value, value.count)
      say(" ")
      add(escaped: attribute)
      say("=")
      add(escaped: Array(value[..<max(0, size)]))
    }
  }

  /// FNV-1a, 64 bits: https://datatracker.ietf.org/doc/draft-eastlake-fnv/
  private func sum(of name: [CChar], in directory: Int32) -> UInt64 {
    let file = linux_openat(directory, name, O_RDONLY | O_NOFOLLOW, 0)
    guard file >= 0 else { return 0 }
    defer { close(file) }

    var sum: UInt64 = 0xCBF2_9CE4_8422_2325
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = buffer.withUnsafeMutableBytes { read(file, $0.baseAddress!, $0.count) }
      guard count > 0 else { return sum }
      for byte in buffer[..<count] { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
  }

  private func target(of name: [CChar], in directory: Int32) -> [UInt8] {
    var text = [UInt8](repeating: 0, count: 4200)
    let count = text.withUnsafeMutableBytes {
      readlinkat(directory, name, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
    }
    return Array(text[..<max(0, count)])
  }

  /// All but `.` and `..`, getdents64(2).
  private func names(in directory: Int32) -> [[UInt8]] {
    var names: [[UInt8]] = []
    var buffer = [UInt8](repeating: 0, count: 32768)
    while true {
      let end = buffer.withUnsafeMutableBytes {
        Int(linux_getdents(directory, $0.baseAddress!, UInt($0.count)))
      }
      guard end > 0 else { return names }
      var position = 0
      while position < end {
        let length = Int(buffer[position + 16]) | Int(buffer[position + 17]) << 8
        let name = Array(buffer[(position + 19)..<(position + length)].prefix { $0 != 0 })
        position += length
        let isSelf = name.count == 1 && name[0] == 0x2E
        let isParent = name.count == 2 && name[0] == 0x2E && name[1] == 0x2E
        if !isSelf, !isParent { names.append(name) }
      }
    }
  }

  private func sorted(_ names: [[UInt8]]) -> [[UInt8]] {
    names.sorted { one, other in
      for (mine, its) in zip(one, other) where mine != its { return mine < its }
      return one.count < other.count
    }
  }
}
