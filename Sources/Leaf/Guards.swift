// SPDX-License-Identifier: MIT

/// What `/` is, judged by behaviour: ids in mountinfo, pivot_root(2). Never by a kernel version, a
/// file-system name or a magic number: on Linux 7.0 a leaf still reads "rootfs".
public enum Root: Sendable {
  /// The root of the mount tree: it has no parent, and pivot_root(2) gives EINVAL.
  case rootfs
  /// A mount with a parent.
  case leaf
  /// It could not be found out.
  case unknown
}

/// The other processes that live in rootfs, and would be left behind in it.
public enum Company: Sendable {
  case none
  case others
  /// They cannot be listed.
  case unknown
}

/// What PID 1 must know of the system before it acts. Asked in the order of `decide`, each at most
/// once; asking changes nothing.
public protocol Facts {
  /// Process 1 of the machine itself, not of a container.
  mutating func isInit() -> Bool
  /// The bare word `nonroot_initramfs` was given.
  mutating func isWordGiven() -> Bool
  /// The kernel did not log that the unpacking of the image broke off.
  mutating func isImageWhole() -> Bool
  /// The word `leafroot_partial=ok` was given.
  mutating func isPartialAllowed() -> Bool
  mutating func root() -> Root
  /// Nothing that is mounted would lose what it rests on, and rootfs's own mount can be left.
  mutating func areMountsApart() -> Bool
  mutating func isTmpfsThere() -> Bool
  /// Waits for those that end soon: usermode helpers such as modprobe, which the kernel starts
  /// before PID 1.
  mutating func company() -> Company
}

/// What PID 1 is to do.
public enum Decision {
  /// End without having touched anything: this is not PID 1, or not known to be.
  case refuse
  /// Run the real init, everything untouched: nobody asked for the leaf.
  case notAsked
  /// Stop with last words: a part of the tree is missing.
  case halfUnpacked
  /// Run the real init, everything untouched: `/` is a leaf already.
  case alreadyLeaf
  /// Run the real init in rootfs, with the seed's line: the leaf cannot be made.
  case cannot(StaticString)
  /// The same, for a mount that rests on the tree.
  case mountInTheWay
  /// Make the leaf.
  case make
}

/// Decides whether the leaf is to be made. All guards stand here, before the first act.
public func decide<World: Facts>(_ facts: inout World) -> Decision {
  guard facts.isInit() else { return .refuse }
  guard facts.isWordGiven() else { return .notAsked }
  // Before the look at `/`: half a tree in a leaf is no better.
  guard facts.isImageWhole() || facts.isPartialAllowed() else { return .halfUnpacked }

  switch facts.root() {
  case .leaf: return .alreadyLeaf
  case .unknown: return .cannot("the mount of / cannot be read")
  case .rootfs: break
  }

  guard facts.areMountsApart() else { return .mountInTheWay }
  guard facts.isTmpfsThere() else { return .cannot("this kernel has no tmpfs") }

  switch facts.company() {
  case .others: return .cannot("another process runs in rootfs")
  case .unknown: return .cannot("the processes cannot be listed")
  case .none: break
  }

  // Every guard has passed: from here on the root file system moves.
  return .make
}
