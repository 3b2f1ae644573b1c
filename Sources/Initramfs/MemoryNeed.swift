// SPDX-License-Identifier: MIT

/// The least memory that an image boots with, as a model says.
///
/// Two things must fit while the kernel unpacks. The tree must fit into rootfs, a tmpfs whose limit
/// is half of the memory that is free when it is mounted, with the image still in its place. And
/// tree and image together must fit into what the kernel leaves.
public struct MemoryNeed: Equatable, Sendable {
  /// MiB with the kernel's default limit for rootfs.
  public var stock: Int
  /// MiB with `initramfs_options=size=90%`.
  public var large: Int
  /// MiB for the image wrapped.
  public var wrapped: Int

  init(imageSize: Int64, totals: Inspection.Totals, members: [Member]) {
    stock = 0
    large = 0
    wrapped = 0
  }
}
