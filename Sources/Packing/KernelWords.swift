// SPDX-License-Identifier: MIT

/// What LeafRoot says to the kernel and to its PID 1 on the kernel's command line.
public enum KernelWords {
  /// Starts our PID 1 and asks it for the leaf: what a wrapped image needs.
  public static let leaf = "rdinit=/\(ImageFile.leafName) nonroot_initramfs"

  /// Starts `/init` whatever `rdinit=` says before it: the last one counts (init/main.c,
  /// `rdinit_setup`). For a kernel that gets ``leaf`` with an image that has no PID 1 of ours.
  public static let plain = "rdinit=/init"
}
