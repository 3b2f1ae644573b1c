// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Leaf
import Threads
import Tree
import Unpacking

/// The trees of all packed images of this boot, in the order in which the kernel copied them.
struct PackedTrees {
  private let all: [PackedTree]
  private let root: Int32
  private let memory: FreeMemory

  /// Finds the trees without changing anything.
  ///
  /// - Parameters:
  ///   - root: the directory that the kernel has unpacked into, open for reading.
  ///   - memory: opens the free memory for unpacking; called only if there are trees.
  /// - Returns: nil if there are none.
  static func find(
    below root: Int32, _ memory: () -> FreeMemory
  ) throws(PayloadFailure) -> PackedTrees? {
    var names: [[CChar]] = []
    var holder: Int32?
    do throws(Tree.Failure) {
      holder = try openHolder(below: root)
      guard let holder else { return nil }
      names = try entryNames(of: holder)
    } catch {
      throw PayloadFailure(error)
    }
    guard let holder else { return nil }
    defer { close(holder) }

    var all: [PackedTree] = []
    for name in names {
      if let tree = try PackedTree.find(name, in: holder) { all.append(tree) }
    }
    if all.isEmpty { return nil }
    all.sort { $0.payload.period.precedes($1.payload.period) }
    return PackedTrees(all: all, root: root, memory: memory())
  }

  private init(all: [PackedTree], root: Int32, memory: FreeMemory) {
    self.all = all
    self.root = root
    self.memory = memory
  }

  private static func openHolder(below root: Int32) throws(Tree.Failure) -> Int32? {
    try openDirectoryIfAny(cName(Vocabulary.payload), in: root)
  }

  // MARK: What they are

  /// The size of their files, which become free while they are unpacked, in bytes.
  private var size: Int { all.reduce(0) { $0.plus($1.payload.size) } }

  /// The size of all trees together; nil if one is unknown.
  private var tree: PayloadManifest.Tree? {
    var sum = PayloadManifest.Tree()
    for packed in all {
      guard let tree = packed.about.tree else { return nil }
      sum.add(tree)
    }
    return sum
  }

  /// What one thread needs to unpack them; nil if the size of a tree is unknown.
  private var need: PayloadNeed? {
    let decoder = all.reduce(0) { max($0, $1.about.decoder) }
    return tree.map { PayloadNeed($0, decoder: decoder, threads: 1) }
  }

  /// Whether the leaf must have room for a tree of unknown size.
  var isSizeUnknown: Bool { tree == nil }

  /// The real inits that they were packed with, that of the last image first.
  var realInits: [[UInt8]] { all.reversed().compactMap { $0.about.realInit } }

  /// Logs what stays compressed.
  func logSquashes(_ log: Log) {
    for packed in all {
      if let squash = packed.squash { log.write(.info, squash.logLine) }
    }
  }

  /// The number of entries unpacked, and of bytes of their content.
  var entries: Int { all.reduce(0) { $0 + $1.payload.entries } }
  var bytes: Int { all.reduce(0) { $0.plus(Int(clamping: $1.payload.bytes)) } }

  /// The number of extended attributes that could not be set.
  var missingXattrs: Int { all.reduce(0) { $0 + $1.payload.missingXattrs } }

  /// Where the kernel would have stopped, if the plans allow that.
  var refusals: [PayloadFailure] { all.compactMap { $0.refusal } }

  /// Returns what the leaf must hold.
  ///
  /// - Parameter limits: those of the file system that the payloads are in.
  func need(_ limits: Limits) -> Limits {
    let tree = tree ?? PayloadNeed.largestTree(in: FreeMemory.unused() + size)
    let kept = all.reduce(0) { $0.plus($1.payload.squashSize ?? 0) }
    return limits.holding(tree, insteadOf: size.plus(kept))
  }

  /// Returns why the boot stops before anything is unpacked, as lines for the log; nil if memory
  /// suffices, as far as is known.
  func shortage() -> [Text]? {
    need.flatMap {
      $0.shortage(free: memory.usable(wanting: $0.bytes - size), payload: size)
    }
  }

  // MARK: Unpacking

  /// Unpacks them into the empty directory that `leaf` is open on, with what the kernel unpacked
  /// before and after them.
  ///
  /// - Parameters:
  ///   - status: the status of the root directory, as the kernel left it.
  ///   - options: the mount options of the leaf, which what lies over a squashfs also gets.
  ///   - endsAtRefusal: whether a tree only ends, without a failure, where the kernel would refuse
  ///     it.
  /// - Returns: why something of the payloads could not be removed.
  func unpack(
    into leaf: Int32, _ status: Status, _ options: Text, _ proc: Proc, endsAtRefusal: Bool
  ) throws(PackedTreeFailure) -> Tree.Failure? {
    var composition = try naming {
      () throws(Tree.Failure) in
      try Composition(of: root, status, in: leaf, besides: Vocabulary.payload)
    }
    for packed in all {
      let (period, members) = (packed.payload.period, packed.about.members)
      try naming { () throws(Tree.Failure) in
        try composition.prepare(
          period, hasAllDirectories: members > 0, isWhole: !endsAtRefusal)
      }
      let plan = plan(isAlone: !composition.hasLinkedFiles, endsAtRefusal: endsAtRefusal)
      try packed.unpack(into: leaf, plan) { squash throws(PackedTreeFailure) in
        try squash.refuseOverlap(with: composition)
        for part in try squash.mount(over: leaf, options, proc) { composition.add(part) }
      }
    }
    memory.close()

    let trace = remove()
    try naming { () throws(Tree.Failure) in try composition.finish() }
    return trace
  }

  private func plan(isAlone: Bool, endsAtRefusal: Bool) -> Payload.Plan {
    var plan = Payload.Plan()
    plan.rules = .running
    // Two members may have the same file, if an earlier image has linked its names.
    plan.threads = isAlone ? threads : 1
    plan.memory = memory
    plan.reserve = Self.reserve + (plan.threads - 1) * Self.threadReserve
    plan.endsAtRefusal = endsAtRefusal
    return plan
  }

  /// In bytes. With less, the kernel would soon kill PID 1, or panic.
  private static var reserve: Int { 1 << 20 }
  /// What each further thread may take between two checks, in bytes.
  private static var threadReserve: Int { 512 << 10 }

  /// One for each processor, as far as memory suffices.
  private var threads: Int {
    let most = processorCount()
    guard let need else { return most }
    let spare = memory.usable(wanting: 0) + size - need.bytes
    return max(1, min(most, 1 + spare / need.thread))
  }

  private func remove() -> Tree.Failure? {
    do throws(Tree.Failure) {
      guard let holder = try Self.openHolder(below: root) else { return nil }
      defer { close(holder) }
      try empty(holder)
      try attempt("rmdir") {
        Vocabulary.payload.withCString { unlinkat(root, $0, AT_REMOVEDIR) }
      }
      return nil
    } catch { return error }
  }

  private func naming<Value>(
    _ body: () throws(Tree.Failure) -> Value
  ) throws(PackedTreeFailure) -> Value {
    do throws(Tree.Failure) { return try body() } catch { throw PackedTreeFailure(error) }
  }
}

/// What went wrong, in one line for the log.
struct PackedTreeFailure: Error {
  let reason: Text

  init(_ reason: Text) { self.reason = reason }

  init(_ failure: Tree.Failure) {
    reason = Text(call: failure)
  }

  /// A failure of what mounts a squashfs.
  init(squash failure: Tree.Failure) {
    reason = Text("squash: ") + Text(call: failure)
  }
}
