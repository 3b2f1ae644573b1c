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

  /// Finds them, and changes nothing.
  ///
  /// - Parameters:
  ///   - root: what the kernel has unpacked into, open for reading.
  ///   - memory: opens what they may be unpacked into, if there are any.
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

  /// Bytes of their files, which become free while they are unpacked.
  private var size: Int { all.reduce(0) { $0.plus($1.payload.size) } }

  /// The size of all trees together; nil if one is not known.
  private var tree: PayloadManifest.Tree? {
    var sum = PayloadManifest.Tree()
    for packed in all {
      guard let tree = packed.about.tree else { return nil }
      sum.add(tree)
    }
    return sum
  }

  /// What one thread needs to unpack them; nil if the size of a tree is not known.
  private var need: PayloadNeed? {
    let decoder = all.reduce(0) { max($0, $1.about.decoder) }
    return tree.map { PayloadNeed($0, decoder: decoder, threads: 1) }
  }

  /// Whether the leaf must have room for a tree whose size nobody has told.
  var isSizeUnknown: Bool { tree == nil }

  /// The real inits that they were packed with, those of the last image first.
  var realInits: [[UInt8]] { all.reversed().compactMap { $0.about.realInit } }

  /// Entries that have been unpacked, and bytes of their content.
  var entries: Int { all.reduce(0) { $0 + $1.payload.entries } }
  var bytes: Int { all.reduce(0) { $0.plus(Int(clamping: $1.payload.bytes)) } }

  /// Extended attributes that could not be set.
  var missingXattrs: Int { all.reduce(0) { $0 + $1.payload.missingXattrs } }

  /// Where the kernel would have stopped, if that did not end the unpacking.
  var refusals: [PayloadFailure] { all.compactMap { $0.refusal } }

  /// What the leaf must hold.
  ///
  /// - Parameter limits: of the file system that the payloads are in.
  func need(_ limits: Limits) -> Limits {
    let tree = tree ?? PayloadNeed.largestTree(in: FreeMemory.unused() + size)
    return limits.holding(tree, insteadOf: size)
  }

  /// Why the boot stops before anything is unpacked: lines for the log. nil if memory suffices, as
  /// far as is known.
  func shortage() -> [Text]? {
    need.flatMap {
      $0.shortage(free: memory.usable(wanting: $0.bytes - size), payload: size)
    }
  }

  // MARK: Unpacking

  /// Unpacks them into the empty directory that `leaf` is open on, with what the kernel has unpacked
  /// before them and behind them.
  ///
  /// - Parameters:
  ///   - status: the root directory's, as the kernel left it.
  ///   - endsAtRefusal: what the kernel would refuse only ends the tree.
  /// - Returns: why something of the payloads could not be removed.
  func unpack(
    into leaf: Int32, _ status: Status, endsAtRefusal: Bool
  ) throws(PackedTreeFailure) -> Tree.Failure? {
    var composition = try naming {
      () throws(Tree.Failure) in
      try Composition(of: root, status, in: leaf, besides: Vocabulary.payload)
    }
    for packed in all {
      let (period, members) = (packed.payload.period, packed.about.members)
      try naming { () throws(Tree.Failure) in
        try composition.prepare(period, hasAllDirectories: members > 0)
      }
      let plan = plan(isAlone: !composition.hasLinkedFiles, endsAtRefusal: endsAtRefusal)
      do throws(PayloadFailure) {
        try packed.unpack(into: leaf, plan)
      } catch { throw PackedTreeFailure(Text(error)) }
    }
    memory.close()

    let trace = remove()
    try naming { () throws(Tree.Failure) in try composition.finish() }
    return trace
  }

  private func plan(isAlone: Bool, endsAtRefusal: Bool) -> Payload.Plan {
    var plan = Payload.Plan()
    plan.rules = .running
    // Files of two members may be one, if an earlier image has linked their names.
    plan.threads = isAlone ? threads : 1
    plan.memory = memory
    plan.reserve = Self.reserve + (plan.threads - 1) * Self.threadReserve
    plan.endsAtRefusal = endsAtRefusal
    return plan
  }

  /// With less than this, it would soon end PID 1, or panic.
  private static var reserve: Int { 1 << 20 }
  /// What each further thread may take between two looks.
  private static var threadReserve: Int { 512 << 10 }

  /// As many as there are processors, and as memory suffices for.
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

/// What is wrong, in one line for the log.
struct PackedTreeFailure: Error {
  let reason: Text

  init(_ reason: Text) { self.reason = reason }

  init(_ failure: Tree.Failure) {
    reason = Text(call: failure)
  }
}
