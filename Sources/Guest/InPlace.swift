// SPDX-License-Identifier: MIT

import CLinux
import Evidence
import Leaf
import Tree

/// Unpacks a packed tree into the root directory itself: the root is a leaf already, or is to be
/// none.
///
/// What the kernel has unpacked beside the payload waits in a directory meanwhile: a part of it may
/// have come after the payload, and then has the last word.
struct InPlace {
  private static var restName: StaticString { "rest" }

  /// The root directory.
  private let root: Int32

  /// - Parameter root: open for reading.
  init(_ root: Int32) { self.root = root }

  func run<Packed: PackedTree>(
    _ packed: inout Packed, endsAtRefusal: Bool
  ) throws(PackedTreeFailure) {
    makeRoom(for: packed)
    let rest = try setAside()
    try packed.unpack(
      beside: rest.directory, into: root, endsAtRefusal: endsAtRefusal, skipping: [])
    let status = try bringBack(rest)
    packed.remove()
    try? setTimes(of: root, status)
  }

  /// Raises the limits of the root file system so far that the tree fits; ramfs has none.
  private func makeRoom<Packed: PackedTree>(for packed: Packed) {
    guard let limits = Limits(of: root) else { return }
    let need = packed.need(limits, isApart: false)
    if need.fittingSize == limits.size && need.fittingInodes == limits.inodes { return }
    reconfigure(
      root, size: need.fittingSize, inodes: limits.inodes == 0 ? nil : need.fittingInodes)
  }

  private func setAside() throws(PackedTreeFailure) -> Aside {
    // Before the payload can have files of the same names.
    OwnProgram()?.removeNames()
    do throws(Tree.Failure) {
      return try Aside(Self.restName, in: Vocabulary.payload, of: root)
    } catch { throw PackedTreeFailure(error) }
  }

  /// - Returns: the status that the root directory is to have.
  private func bringBack(_ rest: Aside) throws(PackedTreeFailure) -> Status {
    do throws(Tree.Failure) {
      let status = try Status(of: rest.directory)
      try Mover(
        from: rest.directory, status, to: root, skipping: Vocabulary.payload, merging: true
      ).move()
      try rest.remove()
      return status
    } catch { throw PackedTreeFailure(error) }
  }
}
