// SPDX-License-Identifier: MIT

import CLinux
import Evidence
import Guest
import Leaf
import Threads
import Tree
import Unpacking

/// The tree in the payload of a packed image.
struct PayloadTree: PackedTree {
  static var isPossible: Bool { true }

  let about: PayloadAbout

  private let payload: Payload
  /// ``Vocabulary/payload`` and the directory it is in.
  private let directory: Int32
  private let root: Int32

  private let memory: FreeMemory

  static func find(below root: Int32, _ memory: FreeMemory) throws(PackedTreeFailure) -> Self? {
    do throws(Tree.Failure) {
      guard let directory = try open(below: root) else { return nil }
      var found: PayloadTree?
      defer { if found == nil { close(directory) } }
      found = try PayloadTree(directory, below: root, memory)
      return found
    } catch {
      throw PackedTreeFailure(Text(PayloadFailure(error)))
    }
  }

  /// nil if there is no such directory.
  private static func open(below root: Int32) throws(Tree.Failure) -> Int32? {
    do throws(Tree.Failure) {
      return try attempt("open") {
        Vocabulary.payload.withCString {
          linux_openat(root, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
        }
      }
    } catch {
      if error.code == ENOENT || error.code == ENOTDIR || error.code == ELOOP { return nil }
      throw error
    }
  }

  /// nil if the directory has no payload.
  private init?(_ directory: Int32, below root: Int32, _ memory: FreeMemory) throws(Tree.Failure) {
    guard let payload = try Payload(in: directory) else { return nil }
    self.directory = directory
    self.root = root
    self.payload = payload
    self.memory = memory
    about = PayloadAbout(try Self.read(Vocabulary.about, in: directory) ?? [])
  }

  var size: Int { payload.size }
  var lastInode: UInt64 { payload.lastInode }
  var entries: Int { payload.entries }
  var bytes: Int { Int(clamping: payload.bytes) }
  var isConsumed: Bool { payload.isConsumed }
  var missingXattrs: Int { payload.missingXattrs }

  var refusal: Text? { payload.refusal.map { Text($0) } }

  func obstacle() -> [Text]? {
    about.tree.flatMap {
      let need = PayloadNeed($0, threads: 1)
      return need.shortage(free: memory.usable(wanting: need.bytes - size), payload: size)
    }
  }

  mutating func unpack(into root: Int32, endsAtRefusal: Bool) throws(PackedTreeFailure) {
    var plan = Payload.Plan()
    plan.rules = .running
    plan.members = about.members
    plan.threads = threads
    plan.memory = memory
    plan.reserve = Self.reserve + (plan.threads - 1) * Self.threadReserve
    plan.endsAtRefusal = endsAtRefusal

    do throws(PayloadFailure) {
      try payload.unpack(into: root, plan)
    } catch {
      throw PackedTreeFailure(Text(error))
    }
  }

  func remove() throws(Tree.Failure) {
    defer {
      memory.close()
      close(directory)
    }
    try empty(directory)
    try attempt("rmdir") {
      Vocabulary.payload.withCString { unlinkat(root, $0, AT_REMOVEDIR) }
    }
  }

  /// With less than this, it would soon end PID 1, or panic.
  private static var reserve: Int { 1 << 20 }
  /// What each further thread may take between two looks.
  private static var threadReserve: Int { 512 << 10 }

  /// As many as there are processors, and as memory suffices for.
  private var threads: Int {
    let most = processorCount()
    guard let tree = about.tree else { return most }
    let spare = memory.usable(wanting: 0) + size - PayloadNeed(tree, threads: 1).bytes
    return max(1, min(most, 1 + spare / PayloadNeed.thread))
  }

  /// The content of a file; nil if there is none.
  private static func read(
    _ name: StaticString, in directory: Int32
  ) throws(Tree.Failure) -> [UInt8]? {
    let file: Int32
    do throws(Tree.Failure) {
      file = try attempt("open") {
        name.withCString { linux_openat(directory, $0, O_RDONLY | O_NOFOLLOW, 0) }
      }
    } catch {
      if error.code == ENOENT { return nil }
      throw error
    }
    defer { close(file) }

    let size = Int(try attempt("lseek") { lseek(file, 0, SEEK_END) })
    var content = [UInt8](repeating: 0, count: size)
    let count = try attempt("pread") { pread(file, &content, size, 0) }
    if count < size { throw Tree.Failure("pread", EIO) }
    return content
  }
}
