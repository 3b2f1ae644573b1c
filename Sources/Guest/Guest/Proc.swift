// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Tree

/// A detached mount of a virtual file system: it changes nothing in the tree.
///
/// fsopen(2), fsconfig(2), fsmount(2): Linux 5.2.
///
/// - Returns: the root directory's descriptor, or -1.
func detachedMount(of type: StaticString) -> Int32 {
  let context = type.withCString { linux_fsopen($0) }
  if context < 0 { return -1 }
  defer { close(context) }

  return linux_fsconfig_create(context) < 0 ? -1 : linux_fsmount(context)
}

/// proc, whether or not the tree has a directory /proc.
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

  /// The content of a file; nil if it cannot be read, or has more than `longest` bytes.
  func read(_ path: Text, longest: Int = 65536) -> [UInt8]? {
    let file = open(path)
    if file < 0 { return nil }
    defer { _ = CLinux.close(file) }

    var content: [UInt8] = []
    while let portion = portion(of: file, count: 4096) {
      if portion.isEmpty { return content }
      content.append(contentsOf: portion)
      if content.count > longest { return nil }
    }
    return nil
  }

  /// The mounts of this process; nil if they cannot be read.
  func mounts() -> [Mount]? {
    let file = open(Text("self/mountinfo"))
    if file < 0 { return nil }
    defer { _ = CLinux.close(file) }
    return try? BootFacts.mounts { portion(of: file, count: $0) }
  }

  /// The mount of the root directory; nil if it cannot be read.
  func rootMount() -> Mount? {
    guard let id = rootMountId() else { return nil }
    return mounts()?.first { $0.id == id }
  }

  /// Which of the mounts on "/" is ours: mounts may be stacked.
  private func rootMountId() -> Int? {
    let root = linux_openat(AT_FDCWD, "/", LINUX_O_PATH | O_DIRECTORY, 0)
    if root < 0 { return nil }
    defer { _ = CLinux.close(root) }

    var path = Text("self/fdinfo/")
    path.add(Int(root))
    for line in read(path)?.split(separator: 0x0a) ?? [] where line.starts(with: "mnt_id:") {
      return number(line.dropFirst(7).drop { $0 == 0x09 || $0 == 0x20 })
    }
    return nil
  }

  /// The processes that execute a program, except this one: kernel threads execute none.
  ///
  /// - Returns: nil if they cannot be listed.
  func otherPrograms() -> [Int]? {
    // The root of a detached mount is open as a path alone: open(2), O_PATH.
    let directory = open(Text("."))
    defer { _ = CLinux.close(directory) }
    guard let names = try? entryNames(of: directory) else { return nil }

    var found: [Int] = []
    let own = Int(getpid())
    for name in names {
      let process = strtol(name, nil, 10)
      if process > 0, process != own, hasProgram(name) { found.append(process) }
    }
    return found
  }

  /// - Parameter process: with its NUL.
  private func hasProgram(_ process: [CChar]) -> Bool {
    var first: CChar = 0
    return readlinkat(root, process.dropLast() + cName("/exe"), &first, 1) >= 0
  }

  /// Waits for these processes to end.
  ///
  /// - Returns: those that have not ended; nil if they cannot be listed.
  func awaitOtherPrograms(_ deadline: Deadline) -> [Int]? {
    var programs: [Int]?
    deadline.await {
      programs = otherPrograms()
      return programs?.isEmpty ?? true
    }
    return programs
  }

  /// Whether the root directory of a process is on the file system of `status`.
  func lives(_ process: Int, on status: Status) -> Bool {
    let directory = Self.path(process, "/root").withCString {
      linux_openat(root, $0, LINUX_O_PATH | O_DIRECTORY, 0)
    }
    if directory < 0 { return false }
    defer { _ = CLinux.close(directory) }
    return (try? Status(of: directory))?.isBeside(status) ?? false
  }

  /// The name of a process: proc_pid_comm(5).
  func name(of process: Int) -> [UInt8] {
    read(Self.path(process, "/comm")).map { $0.filter { $0 != 0x0a } } ?? []
  }

  /// The target of a magic link.
  func readLink(_ path: Text) -> [UInt8]? {
    var buffer = [CChar](repeating: 0, count: 256)
    let count = path.withCString { readlinkat(root, $0, &buffer, buffer.count) }
    return count < 0 ? nil : buffer[..<count].map { UInt8(bitPattern: $0) }
  }

  private static func path(_ process: Int, _ file: StaticString) -> Text {
    var path = Text()
    path.add(process)
    return path + file
  }

  /// read(2): no bytes at the end, nil on an error.
  private func portion(of file: Int32, count: Int) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: count)
    let read = CLinux.read(file, &buffer, count)
    return read < 0 ? nil : Array(buffer[..<read])
  }
}
