// SPDX-License-Identifier: MIT

import CLinux
import Evidence
import Leaf
import Tree

/// Unpacks a packed tree into the root directory itself: the root is a leaf already, or is to be
/// none.
///
/// The tree is unpacked beside the payload first: what the kernel has unpacked may have come after
/// it, and then has the last word. That stays where it is, with all mounts on it.
struct InPlace {
  private static var treeName: StaticString { "tree" }

  /// The root directory.
  private let root: Int32
  private let log: Log

  /// - Parameter root: open for reading.
  init(_ root: Int32, _ log: Log) {
    self.root = root
    self.log = log
  }

  func run<Packed: PackedTree>(
    _ packed: inout Packed, endsAtRefusal: Bool
  ) throws(PackedTreeFailure) {
    makeRoom(for: packed)
    do throws(Tree.Failure) { try OwnProgram.removeNames() } catch { log.warnOfTrace(error) }
    let bare = openBare()
    defer { close(bare) }

    let tree = try makeTree(in: bare)
    defer { close(tree) }
    try packed.unpack(
      beside: bare, into: tree, endsAtRefusal: endsAtRefusal, skipping: [Vocabulary.payload])
    do throws(Tree.Failure) {
      // That of the tree: what follows changes its times.
      let status = try Status(of: bare)
      try merge(tree, into: bare)
      do throws(Tree.Failure) { try packed.remove() } catch { log.warnOfTrace(error) }
      try setTimes(of: bare, status)
    } catch { throw PackedTreeFailure(error) }
  }

  /// Raises the limits of the root file system so far that the tree fits; ramfs has none.
  private func makeRoom<Packed: PackedTree>(for packed: Packed) {
    guard let limits = Limits(of: root) else { return }
    let need = packed.need(limits, isApart: false)
    if need.fittingSize == limits.size && need.fittingInodes == limits.inodes { return }
    reconfigure(
      root, size: need.fittingSize, inodes: limits.inodes == 0 ? nil : need.fittingInodes)
  }

  /// The root directory without what is mounted on the tree: the kernel unpacks before anybody
  /// mounts. With it, if the system cannot.
  private func openBare() -> Int32 {
    let mount = linux_clone_mount(root)
    defer { close(mount) }
    return linux_openat(mount < 0 ? root : mount, ".", O_RDONLY | O_DIRECTORY, 0)
  }

  /// An empty directory with the metadata of the root directory.
  private func makeTree(in bare: Int32) throws(PackedTreeFailure) -> Int32 {
    do throws(Tree.Failure) {
      let status = try Status(of: bare)
      let tree = try makeDirectory(Self.treeName, in: Vocabulary.payload, of: bare)
      try copyMetadata(from: bare, status, to: tree)
      return tree
    } catch { throw PackedTreeFailure(error) }
  }
}
