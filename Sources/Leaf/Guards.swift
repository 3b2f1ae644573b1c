// SPDX-License-Identifier: MIT

/// What `/` is, judged by behaviour: ids in mountinfo, pivot_root(2). Never by a kernel version, a
/// file-system name or a magic number: on Linux 7.0 a leaf still reads "rootfs".
public enum Root {
  /// The root of the mount tree: it has no parent, and pivot_root(2) gives EINVAL.
  case rootfs
  /// A mount with a parent.
  case leaf
  /// It could not be found out.
  case unknown
}

/// What PID 1 must know of the system before it acts. Asked in the order of `decide`, each at most
/// once; asking changes nothing.
public protocol Facts {
  /// Process 1 of the machine itself, not of a container.
  mutating func isInit() -> Bool
  mutating func root() -> Root
  /// The bare word `nonroot_initramfs` was given.
  mutating func isWordGiven() -> Bool
  /// The kernel did not log that the unpacking of the image broke off.
  mutating func isImageWhole() -> Bool
  mutating func isTmpfsThere() -> Bool
  /// No other process lives in rootfs, and would be left behind in it. Waits for those that end
  /// soon: usermode helpers such as modprobe, which the kernel starts before PID 1.
  mutating func isAlone() -> Bool
}

/// What PID 1 is to do.
public enum Decision {
  /// End without having touched anything: this is not PID 1, or not known to be.
  case refuse
  /// Run the real init, everything untouched: `/` is a leaf already.
  case alreadyLeaf
  /// Run the real init, everything untouched: nobody asked for the leaf.
  case notAsked
  /// Run the real init in rootfs, with the seed's line: the leaf cannot be made.
  case cannot(StaticString)
  /// Stop with last words: a part of the tree is missing.
  case halfUnpacked
  /// Make the leaf.
  case make
}

/// Decides whether the leaf is to be made. All guards stand here, before the first act.
public func decide<World: Facts>(_ facts: inout World) -> Decision {
  guard facts.isInit() else { return .refuse }

  let root = facts.root()
  if root == .leaf { return .alreadyLeaf }

  guard facts.isWordGiven() else { return .notAsked }
  guard root == .rootfs else { return .cannot("the mount of / cannot be read") }
  guard facts.isImageWhole() else { return .halfUnpacked }
  guard facts.isTmpfsThere() else { return .cannot("this kernel has no tmpfs") }
  guard facts.isAlone() else { return .cannot("another process runs in rootfs") }

  // Every guard has passed: from here on the root file system moves.
  return .make
}
