// SPDX-License-Identifier: MIT

/// What LeafRoot says to the kernel and to its PID 1 on the kernel's command line.
public enum KernelWords {
  /// Starts our PID 1 and asks it for the leaf: what a wrapped image needs.
  public static let leaf = "rdinit=/\(Image.leafName) nonroot_initramfs"
}
