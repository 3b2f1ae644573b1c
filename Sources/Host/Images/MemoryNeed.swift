// SPDX-License-Identifier: MIT

package import Initramfs

/// The least memory that an image boots with, from a model of the kernel.
///
/// While the kernel unpacks the image, both image and tree are in memory:
/// * The tree must fit into rootfs, a tmpfs limited to half of the memory that the kernel found
///   free, in pages and in inodes (mm/shmem.c, `shmem_default_max_blocks`). The image's own memory
///   is reserved at that time and does not count as free.
/// * The tree, the image, the decompressor's window, inodes and directory entries must fit into the
///   memory that the kernel leaves.
///
/// PID 1 starts after the image is freed, so a wrapped image needs no more than a plain one. The
/// kernel's own use was measured once, with Debian's 6.12 for x86_64 in QEMU;
/// `leafroot least-memory` measures any image.
public struct MemoryNeed: Equatable, Sendable, Encodable {
  /// MiB with the kernel's default limit for rootfs.
  public var stock: Int
  /// MiB with `initramfs_options=size=90%`.
  public var large: Int
  /// MiB for the image wrapped, with the default limit.
  public var wrapped: Int

  /// The kernel does not start with less, whatever the image.
  private static let floor = 76.0
  /// MiB that are not free when rootfs is mounted: the kernel's image and early tables.
  private static let early = 50.0
  /// MiB that are not free when the image is unpacked: the same, and drivers, slabs and reserves.
  private static let late = 63.0
  /// `struct page` takes 64 bytes for each page of 4 KiB.
  private static let pageTable = 64.0 / 4096
  /// A shmem inode, a dentry and the page tree of a small file, in bytes.
  private static let inode = 1200.0

  private static let mebi = 1_048_576.0

  package init(imageSize: Int64, totals: Inspection.Totals, members: [Member]) {
    let image = Double(imageSize) / MemoryNeed.mebi
    let workspace = Double(members.map(\.workspace).max() ?? 0) / MemoryNeed.mebi
    let plain = Tree(
      pages: Double(totals.pages), names: Double(totals.names), image: image, workspace: workspace)
    stock = plain.need(limit: 0.5)
    large = plain.need(limit: 0.9)
    // PID 1 is 520 kB, in the archive and in the tree.
    let wrap = Tree(
      pages: plain.pages + 127, names: plain.names + 1, image: image + 0.5, workspace: workspace)
    wrapped = wrap.need(limit: 0.5)
  }

  /// The MiB that a packed image needs: the kernel copies it like any image, and then PID 1 needs
  /// the tree, its own memory and the part of the payload that is not yet freed.
  ///
  /// A squashfs is mounted when the decoders are freed, and takes less than they did: the modules,
  /// three fragments (fs/squashfs/squashfs_fs.h, SQUASHFS_CACHED_FRAGMENTS), and for each processor
  /// a decompressor (fs/squashfs/decompressor_multi_percpu.c), 3 MiB and 1 MiB a processor for
  /// blocks of 512 KiB. Only its image counts.
  ///
  /// - Parameters:
  ///   - image: The need of the image as the kernel sees it.
  ///   - totals: The totals of the payload's tree.
  ///   - workspace: The most that a decoder of the payload's members takes, in bytes.
  ///   - squash: The size of the payload's squashfs, which is never freed; 0 if there is none.
  ///   - isLarge: Whether rootfs may take 90 % of the memory.
  public static func packed(
    _ image: MemoryNeed, _ totals: Inspection.Totals, workspace: Int, squash: Int64 = 0,
    isLarge: Bool = false
  ) -> Int {
    let names = Double(totals.names) * inode / mebi
    let decoder = max(0, Double(workspace) / mebi - ordinaryDecoder)
    let tree = Double(totals.pages) / 256 + names + Double(squash) / mebi
    let fill = (tree + unpacking + decoder + late) / (1 - pageTable)
    let reserve = fill < hugePages ? 0 : min(hugePageWatermark, fill / 20)
    return max(isLarge ? image.large : image.stock, Int((fill + reserve).rounded(.up)))
  }

  /// From `hugePages` MiB on, the kernel keeps `hugePageWatermark` MiB free for huge pages, but at
  /// most a 20th: mm/khugepaged.c, `set_recommended_min_free_kbytes`.
  private static let hugePages = 512.0
  private static let hugePageWatermark = 44.0
  /// MiB that PID 1 takes while it unpacks, and the decoder's part of that.
  private static let unpacking = 12.0
  private static let ordinaryDecoder = 5.0

  private struct Tree {
    let pages: Double
    let names: Double
    let image: Double
    let workspace: Double

    /// The MiB needed if rootfs may take `limit` of the memory; its inodes are always limited to
    /// half of the pages.
    func need(limit: Double) -> Int {
      let tree = pages / 256
      let blocks = tree / limit + image + MemoryNeed.early
      let inodes = names / 256 / 0.5 + image + MemoryNeed.early
      let all =
        tree + image + workspace + names * MemoryNeed.inode / MemoryNeed.mebi + MemoryNeed.late
      let most = max(blocks, inodes, all) / (1 - MemoryNeed.pageTable)
      return Int(max(most, MemoryNeed.floor).rounded(.up))
    }
  }
}
