// SPDX-License-Identifier: MIT

/// What `/` is, judged by behaviour: ids in mountinfo, pivot_root(2). Never by a kernel version, a
/// file-system name or a magic number: on Linux 7.0 the type of a leaf is still "rootfs".
public enum Root: Sendable {
  /// The root of the mount tree: it has no parent, and pivot_root(2) fails with EINVAL.
  case rootfs
  /// A mount with a parent.
  case leaf
  /// It cannot be determined.
  case unknown
}

/// The other processes that run in rootfs, and would remain there.
public enum OtherProcesses: Sendable {
  case none
  case others
  /// They cannot be listed.
  case unknown
}

/// What PID 1 must know about the system before it acts. `decide` queries each fact at most once,
/// in its order; a query changes nothing.
public protocol Facts {
  /// Whether this is process 1 of the machine itself, not of a container.
  mutating func isInit() -> Bool
  /// Whether `nonroot_initramfs` is set, without a value.
  mutating func isWordGiven() -> Bool
  /// Whether part of the tree is in a payload, which only a leaf has room for.
  mutating func isPacked() -> Bool
  /// Whether the kernel unpacked the whole image, as far as its log tells.
  mutating func isImageWhole() -> Bool
  /// Whether `leafroot_partial=ok` is set.
  mutating func isPartialAllowed() -> Bool
  mutating func root() -> Root
  /// Whether no mount rests on the tree, and the mount of rootfs is not shared.
  mutating func areMountsApart() -> Bool
  mutating func isTmpfsThere() -> Bool
  /// Waits for processes that end soon: usermode helpers such as modprobe, which the kernel starts
  /// before PID 1.
  mutating func otherProcesses() -> OtherProcesses
}

/// What PID 1 is to do.
public enum Decision {
  /// Exit without any change: this is not PID 1, or may not be.
  case refuse
  /// Run the real init without any change: the leaf is not requested.
  case notAsked
  /// Stop with last words: a part of the tree is missing.
  case halfUnpacked
  /// Run the real init without any change: `/` is already a leaf.
  case alreadyLeaf
  /// The leaf cannot be made. Run the real init in rootfs, with the seed's line; stop if a payload
  /// is still to be unpacked.
  case cannot(StaticString)
  /// The same, for a mount that rests on the tree.
  case mountInTheWay
  /// Make the leaf.
  case make
}

/// Decides whether to make the leaf. All guards are here, before the first act.
public func decide<World: Facts>(_ facts: inout World) -> Decision {
  guard facts.isInit() else { return .refuse }
  let isPacked = facts.isPacked()
  guard isPacked || facts.isWordGiven() else { return .notAsked }
  // Before the check of `/`: half a tree in a leaf is no better.
  guard facts.isImageWhole() || facts.isPartialAllowed() else { return .halfUnpacked }

  switch facts.root() {
  case .leaf: if !isPacked { return .alreadyLeaf }
  case .unknown: return .cannot("the mount of / cannot be read")
  case .rootfs: break
  }

  guard facts.areMountsApart() else { return .mountInTheWay }
  guard facts.isTmpfsThere() else { return .cannot("this kernel has no tmpfs") }

  switch facts.otherProcesses() {
  // No other process has seen what is packed.
  case .others: if !isPacked { return .cannot("another process runs in rootfs") }
  case .unknown: if !isPacked { return .cannot("the processes cannot be listed") }
  case .none: break
  }

  // Every guard has passed: from here on the root file system moves.
  return .make
}
