// SPDX-License-Identifier: MIT

package import Evidence
import Leaf
package import Tree

/// The tree in images of its own, which the kernel has copied into rootfs, and not unpacked: the
/// directory ``Vocabulary/payload``.
package protocol PackedTree {
  /// The program can unpack. The compiler leaves out of the other one what asks for this.
  static var isPossible: Bool { get }

  /// Finds it in the root directory; nil if there is none. Changes nothing.
  ///
  /// - Parameter memory: what it may be unpacked into.
  static func find(below root: Int32, _ memory: FreeMemory) throws(PackedTreeFailure) -> Self?

  /// What its builder says about it.
  var about: PayloadAbout { get }
  /// Bytes of its files, which become free while they are unpacked.
  var size: Int { get }
  /// The largest inode number of its files.
  var lastInode: UInt64 { get }

  /// Entries that have been unpacked, and bytes of their content.
  var entries: Int { get }
  var bytes: Int { get }
  /// Where and why the kernel would have stopped, if that did not end the unpacking.
  var refusal: Text? { get }
  /// Extended attributes that the file system does not have.
  var missingXattrs: Int { get }
  /// A part of its files has been freed: it cannot be unpacked a second time.
  var isConsumed: Bool { get }

  /// Why it is better not unpacked at all: lines for the log. nil if nothing speaks against it.
  func obstacle() -> [Text]?

  /// Unpacks it into the directory that `root` is open on.
  ///
  /// - Parameter endsAtRefusal: what the kernel would refuse only ends the tree.
  mutating func unpack(into root: Int32, endsAtRefusal: Bool) throws(PackedTreeFailure)

  /// Removes what is left of it.
  func remove() throws(Tree.Failure)
}

/// The file and the place in it, and what is wrong: one line for the log.
package struct PackedTreeFailure: Error {
  package let reason: Text

  package init(_ reason: Text) { self.reason = reason }
}

/// For a program that unpacks nothing: there is no value of it.
package enum NoPackedTree: PackedTree {
  package static var isPossible: Bool { false }

  package static func find(below root: Int32, _ memory: FreeMemory) -> Self? { nil }

  package var about: PayloadAbout { switch self {} }
  package var size: Int { switch self {} }
  package var lastInode: UInt64 { switch self {} }
  package var entries: Int { switch self {} }
  package var bytes: Int { switch self {} }
  package var refusal: Text? { switch self {} }
  package var missingXattrs: Int { switch self {} }
  package var isConsumed: Bool { switch self {} }
  package func obstacle() -> [Text]? { switch self {} }
  package func unpack(into root: Int32, endsAtRefusal: Bool) { switch self {} }
  package func remove() { switch self {} }
}

extension PackedTreeFailure {
  init(_ failure: Tree.Failure) {
    var text = Text()
    text.add(failure)
    text.add(error: failure.code)
    self.init(text)
  }
}

extension PackedTree {
  /// What the root file system must hold once this is unpacked into it, or into a leaf beside it.
  ///
  /// - Parameter isApart: the leaf: it has the tree, and not the payload.
  func need(_ limits: Limits, isApart: Bool) -> Limits {
    let tree = about.tree ?? PayloadNeed.largestTree(in: FreeMemory.unused() + size)
    return limits.holding(tree, insteadOf: isApart ? size : 0)
  }

  /// Unpacks it into `tree`, and fits to that what the kernel has unpacked beside it, which is still
  /// in `rest`.
  mutating func unpack(
    beside rest: Int32, into tree: Int32, endsAtRefusal: Bool, skipping skipped: [StaticString]
  ) throws(PackedTreeFailure) {
    let reconciliation = Reconciliation(
      mark: lastInode, hasAllDirectories: about.members > 0, skipping: skipped)
    do throws(Tree.Failure) {
      try reconciliation.plantDirectories(rest, tree)
    } catch { throw PackedTreeFailure(error) }
    try unpack(into: tree, endsAtRefusal: endsAtRefusal)
    do throws(Tree.Failure) {
      try reconciliation.run(rest, tree)
    } catch { throw PackedTreeFailure(error) }
  }
}
