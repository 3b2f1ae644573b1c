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

  /// In their order. `fill` makes none: there is nothing to bring yet.
  static let all = [
    KernelCall(number: 1, step: "mkdir", errno: 28, name: "ENOSPC"),
    KernelCall(number: 2, step: "mount", errno: 12, name: "ENOMEM"),
    KernelCall(number: 3, step: "chdir", errno: 13, name: "EACCES"),
    KernelCall(number: 4, step: "move", errno: 22, name: "EINVAL"),
    KernelCall(number: 5, step: "rmdir", errno: 16, name: "EBUSY"),
    KernelCall(number: 6, step: "seal", errno: 30, name: "EROFS"),
    KernelCall(number: 7, step: "chroot", errno: 1, name: "EPERM"),
  ]

  /// A boot in which it fails, without being made.
  var boot: UserModeBoot {
    var boot = UserModeBoot(kernel: "linux-um-6.12-faulty")
    boot.words.append("nonroot_fault=\(number),\(errno)")
    return boot
  }
}
