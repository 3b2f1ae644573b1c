// SPDX-License-Identifier: MIT

import CLinux

/// A mount of a virtual file system that is attached nowhere: nothing in the tree is touched.
///
/// fsopen(2), fsconfig(2), fsmount(2): Linux 5.2.
///
/// - Returns: the root directory's descriptor, or -1.
func detachedMount(of type: StaticString) -> Int32 {
  let context = type.withUTF8Buffer { name in
    name.withMemoryRebound(to: CChar.self) { linux_fsopen($0.baseAddress) }
  }
  if context < 0 { return -1 }
  defer { close(context) }

  return linux_fsconfig_create(context) < 0 ? -1 : linux_fsmount(context)
}

/// /proc, whether or not the tree has such a directory.
struct Proc {
  private let root: Int32

  init() {
    let detached = detachedMount(of: "proc")
    root = detached >= 0 ? detached : linux_openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY, 0)
  }

  func close() { _ = CLinux.close(root) }

  /// - Returns: a descriptor, or -1.
  func open(_ path: Text) -> Int32 {
    path.withCString { linux_openat(root, $0, O_RDONLY, 0) }
  }

  /// The content of a file, nil if there is none.
  func read(_ path: Text) -> [UInt8]? {
    let file = open(path)
    if file < 0 { return nil }
    defer { _ = CLinux.close(file) }

    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = CLinux.read(file, &buffer, buffer.count)
      if count < 0 { return nil }
      if count == 0 { return content }
      content.append(contentsOf: buffer[..<count])
    }
  }

  /// Whether a process other than this one has a program: kernel threads have none.
  func hasOtherPrograms() -> Bool {
    let copy = open(Text("."))
    guard copy >= 0, let directory = fdopendir(copy) else { return true }
    defer { closedir(directory) }

    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name.0) { bytes(of: $0) }
      guard let process = number(name[...]), process != getpid() else { continue }
      if readLink(Text(name) + "/exe") != nil { return true }
    }
    return false
  }

  /// Where a magic link points.
  func readLink(_ path: Text) -> [UInt8]? {
    var buffer = [CChar](repeating: 0, count: 256)
    let count = path.withCString { readlinkat(root, $0, &buffer, buffer.count) }
    return count < 0 ? nil : buffer[..<count].map { UInt8(bitPattern: $0) }
  }
}
