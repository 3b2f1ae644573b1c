// SPDX-License-Identifier: MIT

public import Initramfs
import Leaf
public import SystemPackage

/// Everything that `leafroot inspect` reports about an image.
public struct Inspection: Equatable, Sendable {
  /// The contents of the unpacked tree, without the kernel's own /dev, /dev/console and /root.
  public struct Totals: Equatable, Sendable, Encodable {
    /// Records in all members, without trailers.
    public var records = 0
    public var files = 0
    public var directories = 0
    public var symbolicLinks = 0
    public var devices = 0
    /// Fifos and sockets.
    public var others = 0
    /// Names beyond the first of each file.
    public var hardLinks = 0
    /// The bytes of regular files, without holes.
    public var bytes: UInt64 = 0
    /// The same in whole pages of 4 KiB, including long symbolic links.
    public var pages: UInt64 = 0
    /// The same in pages of 16 and of 64 KiB, which aarch64 kernels may use.
    public var pages16: UInt64 = 0
    public var pages64: UInt64 = 0
    /// Names in the tree; each takes an inode's share of a tmpfs.
    public var names: Int { files + directories + symbolicLinks + devices + others + hardLinks }
    /// Records that rewrote an existing file of the same type.
    public var rewritten = 0

    package init() {}

    /// - Parameter count: Returns the number of pages that one file takes, for a page size in
    ///   bytes.
    mutating func addPages(_ count: (UInt64) -> UInt64) {
      pages += count(4 << 10)
      pages16 += count(16 << 10)
      pages64 += count(64 << 10)
    }

    /// The names in JSON.
    private enum CodingKeys: String, CodingKey {
      case records = "entries"
      case files, directories, symbolicLinks, devices, others, hardLinks, bytes, rewritten
    }
  }

  /// The program to be started.
  public struct RealInit: Equatable, Sendable {
    /// Its path, followed by the target of each symbolic link.
    public var chain: [[UInt8]]
    /// Whether it leads to an executable regular file.
    public var isExecutable: Bool
  }

  /// The version of the kernel that will boot it; nil for the newest.
  public var kernel: KernelVersion?
  /// The members, the padding and the refusal.
  public var summary: ImageSummary
  /// The contents of each member.
  public var contents: [MemberContents]
  public var totals: Totals
  /// The init that would be started; nil if there is none.
  public var realInit: RealInit?
  public var findings: Findings
  /// The memory needed to boot it.
  public var memory: MemoryNeed

  /// The most memory that a decoder of its members takes in PID 1, in bytes.
  public var workspace: Int {
    summary.members.map { Self.workspace($0.workspace, of: $0.unpackedSize) }.max() ?? 0
  }

  /// The memory in bytes that a decoder with a window of `room` bytes takes for a member of `size`
  /// bytes: pages that it does not write take no memory. 1 MiB is for its tables.
  public static func workspace(_ room: Int, of size: UInt64) -> Int {
    min(room, Int(clamping: min(size, 1 << 40)) + (1 << 20))
  }

  /// The least memory in MiB for a packed image with this one as its payload.
  /// - Parameters:
  ///   - image: The packed image as the kernel sees it.
  ///   - squash: What is squashed in it; nil if nothing is.
  ///   - isLarge: Whether the kernel gets `initramfs_options=size=90%`.
  public func memory(
    packedIn image: Inspection, _ squash: PackedSquashfs? = nil, isLarge: Bool = false
  ) -> Int {
    MemoryNeed.packed(
      image.memory, totals, workspace: workspace, squash: squash?.size ?? 0, isLarge: isLarge)
  }

  /// What the root keeps after the boot of a packed image with this one as its payload, in MiB.
  public func memoryKept(_ squash: PackedSquashfs) -> Int {
    let bytes = UInt64(squash.size) + totals.pages << 12
    return Int(clamping: (bytes + (1 << 20) - 1) >> 20)
  }

  /// The paths that the kernel and PID 1 try for the init, in this order.
  public static let inits = Vocabulary.inits.map { "\($0)" }

  /// Inspects all of `source`, the image at `path`.
  ///
  /// - Parameters:
  ///   - config: The configuration of the kernel that will boot it, if known.
  ///   - kernel: The kernel's version, if known and not the one in `config`.
  ///   - inits: The paths to try for the init; the first that exists is used.
  ///   - squash: What is squashed in the image; nil if nothing is. An init in it is taken to exist.
  /// - Throws: the source's read error; ``FileError`` if it exceeds a limit of this machine.
  public init<Source: ImageSource & ~Copyable>(
    _ source: consuming Source, of path: FilePath, config: KernelConfig? = nil,
    kernel: KernelVersion? = nil,
    inits: [[UInt8]] = [Array("/init".utf8)], squash: PackedSquashfs? = nil
  ) throws {
    self.kernel = kernel ?? config?.version
    var inspector: Inspector
    do {
      inspector = try Inspector(source, kernel: self.kernel)
    } catch let limit as InspectionLimit {
      throw limit.error(path)
    }
    if let config { inspector.compare(with: config) }
    summary = inspector.summary
    contents = inspector.contents
    totals = inspector.totals
    let squashed = squash?.directories ?? []
    realInit = inits.lazy.compactMap { inspector.realInit($0, squashed: squashed) }.first
    findings = inspector.findings
    memory = MemoryNeed(imageSize: summary.size, totals: totals, members: summary.members)
  }
}
