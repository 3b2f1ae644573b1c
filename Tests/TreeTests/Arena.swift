// SPDX-License-Identifier: MIT

import CLinux
import TestSupport
import Testing
import Tree

/// Two directories of a test's own to move a tree between, on file systems of their own, which
/// vanish with everything that was mounted in them.
struct Arena {
  enum FileSystem {
    case tmpfs(_ options: String)
    case ramfs
    /// The arena's own: no mount.
    case none
  }

  let path: String
  let source: Int32
  let target: Int32

  /// Runs `body` in a new arena, with `Faults` of its own. Its working directory is the arena: the
  /// mover moves it about, and other tests of this process must not see that.
  static func with<Result>(
    source: FileSystem = .tmpfs("size=50%"), target: FileSystem = .tmpfs("size=50%"),
    size: String = "50%", _ body: (Arena) throws -> Result
  ) throws -> Result {
    try #require(geteuid() == 0, "these tests mount, chown and mknod: run them as root")

    let template = strdup("/tmp/leafroot-test.XXXXXX")!
    defer { free(template) }
    let path = String(cString: try #require(mkdtemp(template), "mkdtemp: \(linux_errno())"))
    defer { rmdir(path) }
    try mount("tmpfs", on: path, "mode=700,size=\(size)")
    defer { umount2(path, Kernel.detach) }

    for (name, fileSystem) in [("source", source), ("target", target)] {
      try check("mkdir", mkdir("\(path)/\(name)", 0o755))
      switch fileSystem {
      case .tmpfs(let options): try mount("tmpfs", on: "\(path)/\(name)", options)
      case .ramfs: try mount("ramfs", on: "\(path)/\(name)", "")
      case .none: break
      }
    }

    // This thread's own from now on, and that of the threads it starts.
    try check("unshare", linux_unshare(Kernel.cloneFS))
    let before = try openDescriptor(".")
    defer { close(before) }
    try check("chdir", chdir(path))
    defer { fchdir(before) }

    let from = try openDescriptor("source")
    defer { close(from) }
    let to = try openDescriptor("target")
    defer { close(to) }
    return try Faults.run { try body(Arena(path: path, source: from, target: to)) }
  }

  /// Mounts a file system where neither it nor those mounted on it later reach another namespace;
  /// move_mount(2) wants that.
  static func mount(_ type: String, on path: String, _ options: String) throws {
    try check("mount \(type) on \(path)", CLinux.mount("leafroot-test", path, type, 0, options))
    try check("make \(path) private", CLinux.mount(nil, path, nil, Kernel.makePrivate, nil))
  }

  /// A mover from `source` to `target`.
  func mover(threads: Int? = nil) throws -> Mover {
    Mover(from: source, try Status(of: source), to: target, threads: threads)
  }

  /// Free blocks of the arena's own file system.
  func freeBlocks() throws -> Int {
    var status = statfs()
    try check("statfs", statfs(path, &status))
    return Int(status.f_bfree)
  }

  /// Waits until so many blocks are free again. A process that another test starts has our open
  /// files until it executes its program: as long, an unlinked file keeps its memory.
  func waitForFreeBlocks(_ count: Int) throws {
    for _ in 0..<1000 {
      if try freeBlocks() >= count { return }
      usleep(10_000)
    }
    Issue.record("\(try freeBlocks()) blocks are free, expected \(count)")
  }

  /// Those that lead into the arena, the two of its own included.
  func openDescriptors() throws -> Int {
    let table = try openDescriptor("/proc/self/fd")
    defer { close(table) }
    return try names(in: table).count { name in
      var text = [UInt8](repeating: 0, count: 4096)
      let length = text.withUnsafeMutableBytes {
        readlinkat(table, name.map { CChar(bitPattern: $0) } + [0], $0.baseAddress!, 4096)
      }
      return length > 0 && text[..<length].starts(with: path.utf8)
    }
  }

  func workingDirectory() -> String {
    guard let text = getcwd(nil, 0) else { return "" }
    defer { free(text) }
    return String(cString: text)
  }
}

/// The tests of Tree, one after another: the limit of open descriptors, which one of them lowers,
/// is the whole process's, and so is memory.
@Suite(.serialized, .enabled(if: Privilege.mayRun, "needs root"))
enum TreeTests {}
