// SPDX-License-Identifier: MIT

import CLinux

/// All that can be seen of a tree, the change times left out. It shares no code with what it
/// judges, and leaves the access times as they were.
struct Snapshot: Equatable {
  /// One entry. Text is compared, so that a difference can be read.
  struct Entry: Equatable {
    var fields: [String: String] = [:]
    var content: [UInt8] = []

    static func == (one: Entry, other: Entry) -> Bool {
      one.fields == other.fields && one.hasContent(of: other)
    }

    func hasContent(of other: Entry) -> Bool {
      content.count == other.content.count
        && content.withUnsafeBytes { mine in
          other.content.withUnsafeBytes {
            mine.isEmpty || memcmp(mine.baseAddress!, $0.baseAddress!, mine.count) == 0
          }
        }
    }
  }

  /// By path from the root, whose own is empty.
  private(set) var entries: [String: Entry] = [:]

  /// The first path of each inode that has several.
  private var firstPaths: [String: String] = [:]

  /// - Parameter directory: open for reading.
  init(of directory: Int32) throws {
    try add("", Self.status(of: directory), attributesFrom: "/proc/self/fd/\(directory)")
    try addEntries(of: directory, below: "")
  }

  subscript(path: String) -> Entry? { entries[path] }

  /// The paths of all entries; the root is not counted.
  var paths: Set<String> { Set(entries.keys).subtracting([""]) }

  /// What is not the same in `other`, a line each; at most twenty.
  func differences(from other: Snapshot) -> [String] {
    var lines: [String] = []
    for path in Set(entries.keys).union(other.entries.keys).sorted() where lines.count < 20 {
      let (mine, theirs) = (entries[path], other.entries[path])
      guard mine != theirs else { continue }
      guard let mine, let theirs else {
        lines.append("/\(path): \(mine == nil ? "missing" : "not expected")")
        continue
      }
      for field in Set(mine.fields.keys).union(theirs.fields.keys).sorted() {
        let (value, expected) = (mine.fields[field] ?? "none", theirs.fields[field] ?? "none")
        if value != expected { lines.append("/\(path): \(field) \(value), not \(expected)") }
      }
      if !mine.hasContent(of: theirs) { lines.append("/\(path): content") }
    }
    return lines
  }

  private mutating func addEntries(of directory: Int32, below parent: String) throws {
    for name in try names(in: directory).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      let cName = name.map { CChar(bitPattern: $0) } + [0]
      let path = parent.isEmpty ? printable(name) : parent + "/" + printable(name)

      var status = linux_status()
      try check(
        "statx",
        linux_statx(directory, cName, AT_SYMLINK_NOFOLLOW, LINUX_STATX_BASIC_STATS, &status))

      let place = Array("/proc/self/fd/\(directory)/".utf8CString.dropLast()) + cName
      let type = UInt32(status.mode) & UInt32(S_IFMT)
      switch type {
      case UInt32(S_IFDIR):
        let child = try check(
          "open", linux_openat(directory, cName, O_RDONLY | O_DIRECTORY | Kernel.noAccessTime, 0))
        defer { close(child) }
        try add(path, status, attributesFrom: place)
        try addEntries(of: child, below: path)
      case UInt32(S_IFREG):
        try add(path, status, attributesFrom: place)
        let content = try content(of: cName, in: directory, Int(status.size))
        entries[path]?.content = content
      case UInt32(S_IFLNK):
        try add(path, status, attributesFrom: place)
        let text = try link(cName, in: directory, status)
        entries[path]?.fields["target"] = text
      default:
        try add(path, status, attributesFrom: place)
      }
    }
  }

  private mutating func add(
    _ path: String, _ status: linux_status, attributesFrom place: [CChar]
  ) throws {
    func time(_ seconds: Int64, _ nanoseconds: UInt32) -> String {
      "\(seconds) s \(nanoseconds) ns"
    }

    var entry = Entry()
    entry.fields["mode"] = String(status.mode, radix: 8)
    entry.fields["owner"] = "\(status.uid):\(status.gid)"
    entry.fields["device"] = "\(status.rdev_major):\(status.rdev_minor)"
    entry.fields["modified"] = time(status.modified.seconds, status.modified.nanoseconds)
    entry.fields["accessed"] = time(status.accessed.seconds, status.accessed.nanoseconds)
    for (name, value) in try attributes(of: place) { entry.fields[name] = printable(value) }

    if UInt32(status.mode) & UInt32(S_IFMT) != UInt32(S_IFDIR) {
      entry.fields["size"] = String(status.size)
      entry.fields["blocks"] = String(status.blocks)
      entry.fields["links"] = String(status.links)
      let inode = "\(status.dev_major):\(status.dev_minor):\(status.inode)"
      entry.fields["same as"] = firstPaths[inode, default: path]
      if firstPaths[inode] == nil { firstPaths[inode] = path }
    }
    entries[path] = entry
  }

  private mutating func add(
    _ path: String, _ status: linux_status, attributesFrom place: String
  ) throws {
    try add(path, status, attributesFrom: Array((place + "/.").utf8CString))
  }

  private static func status(of descriptor: Int32) throws -> linux_status {
    var status = linux_status()
    try check(
      "statx",
      linux_statx(descriptor, "", LINUX_AT_EMPTY_PATH, LINUX_STATX_BASIC_STATS, &status))
    return status
  }

  private func content(of name: [CChar], in directory: Int32, _ size: Int) throws -> [UInt8] {
    let file = try check(
      "open", linux_openat(directory, name, O_RDONLY | O_NOFOLLOW | Kernel.noAccessTime, 0))
    defer { close(file) }
    return try [UInt8](unsafeUninitializedCapacity: size + 1) { buffer, count in
      while true {
        let part = try check(
          "read", read(file, buffer.baseAddress! + count, size + 1 - count))
        if part == 0 { return }
        count += part
      }
    }
  }

  private func link(
    _ name: [CChar], in directory: Int32, _ status: linux_status
  ) throws -> String {
    var text = [UInt8](repeating: 0, count: 4097)
    let length = try text.withUnsafeMutableBytes {
      try check("readlink", readlinkat(directory, name, $0.baseAddress!, 4097))
    }
    let (accessed, modified) = (status.accessed, status.modified)
    let times = [
      timespec(tv_sec: Int(accessed.seconds), tv_nsec: Int(accessed.nanoseconds)),
      timespec(tv_sec: Int(modified.seconds), tv_nsec: Int(modified.nanoseconds)),
    ]
    try check("utimensat", utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW))
    return printable(text[..<length])
  }

  private func attributes(of place: [CChar]) throws -> [String: [UInt8]] {
    var list = [UInt8](repeating: 0, count: 65536)
    let length = list.withUnsafeMutableBytes { llistxattr(place, $0.baseAddress!, 65536) }
    if length < 0 && linux_errno() == ENOTSUP { return [:] }
    try check("llistxattr", length)

    var found: [String: [UInt8]] = [:]
    for part in list[..<length].split(separator: 0) {
      let name = String(decoding: part, as: UTF8.self)
      var value = [UInt8](repeating: 0, count: 65536)
      let size = try value.withUnsafeMutableBytes {
        try check("lgetxattr \(name)", lgetxattr(place, name, $0.baseAddress!, 65536))
      }
      found[name] = Array(value[..<size])
    }
    return found
  }
}

/// The names of all entries of an open directory but `.` and `..`, whose access time stays.
func names(in directory: Int32) throws -> [[UInt8]] {
  // A descriptor of its own, as a position belongs to the open file.
  let own = try check(
    "open", linux_openat(directory, ".", O_RDONLY | O_DIRECTORY | Kernel.noAccessTime, 0))
  defer { close(own) }

  var names: [[UInt8]] = []
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 8)
  defer { buffer.deallocate() }
  while true {
    let end = try check("getdents64", linux_getdents(own, buffer.baseAddress!, 65536))
    if end == 0 { return names }

    var position = 0
    while position < end {
      let name = buffer[(position + 19)...].prefix { $0 != 0 }
      position += Int(buffer.loadUnaligned(fromByteOffset: position + 16, as: UInt16.self))
      if name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) { continue }
      names.append([UInt8](name))
    }
  }
}
