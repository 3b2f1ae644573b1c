// SPDX-License-Identifier: MIT

import Testing

/// A call that the kernel makes for the leaf, and what the warning must say if it fails.
struct KernelCall: Sendable, CustomTestStringConvertible {
  /// The number of the call from 1, as in `nonroot_fault=NUMBER,ERRNO` (Kernel/faults.patch).
  let number: Int
  let step: String
  let errno: Int
  let name: String

  var testDescription: String { step }

  /// All calls in order. Other steps need none: the leaf is mounted in its final place, and there
  /// is nothing to move yet.
  static let all = [
    KernelCall(number: 1, step: "mount", errno: 12, name: "ENOMEM"),
    KernelCall(number: 2, step: "chdir", errno: 13, name: "EACCES"),
    KernelCall(number: 3, step: "seal", errno: 30, name: "EROFS"),
    KernelCall(number: 4, step: "chroot", errno: 1, name: "EPERM"),
  ]

  /// A boot in which the call fails without being made.
  var boot: Boot {
    var boot = Boot.userMode("linux-um-6.12-faulty")
    boot.append.append("nonroot_fault=\(number),\(errno)")
    return boot
  }
}
