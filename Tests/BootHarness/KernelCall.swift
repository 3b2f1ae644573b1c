// SPDX-License-Identifier: MIT

import Testing

/// A call that the leaf makes in the kernel, and what the warning must say if it fails.
struct KernelCall: Sendable, CustomTestStringConvertible {
  /// Counted from 1, as `nonroot_fault=NUMBER,ERRNO` counts them (Kernel/faults.patch).
  let number: Int
  let step: String
  let errno: Int
  let name: String

  var testDescription: String { step }

  /// In their order. The other steps make none: the leaf is mounted where it stays, and there is
  /// nothing to bring yet.
  static let all = [
    KernelCall(number: 1, step: "mount", errno: 12, name: "ENOMEM"),
    KernelCall(number: 2, step: "chdir", errno: 13, name: "EACCES"),
    KernelCall(number: 3, step: "seal", errno: 30, name: "EROFS"),
    KernelCall(number: 4, step: "chroot", errno: 1, name: "EPERM"),
  ]

  /// A boot in which it fails, without being made.
  var boot: Boot {
    var boot = Boot.userMode("linux-um-6.12-faulty")
    boot.append.append("nonroot_fault=\(number),\(errno)")
    return boot
  }
}
