// SPDX-License-Identifier: MIT

public import Initramfs
import Leaf
public import SystemPackage

/// All that `leafroot inspect` says about an image.
public struct Inspection: Equatable, Sendable {
  /// What the tree holds when all is unpacked, without the kernel's own /dev, /dev/console, /root.
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
    /// Bytes in regular files, without holes.
    public var bytes: UInt64 = 0
    /// The same in whole pages of 4 KiB, with long symbolic links.
    public var pages: UInt64 = 0
    /// The same in pages of 16 and of 64 KiB, which kernels for aarch64 may have.
    public var pages16: UInt64 = 0
    public var pages64: UInt64 = 0
    /// Names in the tree, each of which takes an inode's share of a tmpfs.
    public var names: Int { files + directories + symbolicLinks + devices + others + hardLinks }
    /// Records that wrote again a file of the same type.
    public var rewritten = 0

    package init() {}

    /// - Parameter count: how many of a size in bytes one file takes.
    mutating func addPages(_ count: (UInt64) -> UInt64) {
      pages += count(4 << 10)
      pages16 += count(16 << 10)
      pages64 += count(64 << 10)
    }

    /// Their names in JSON.
    private enum CodingKeys: String, CodingKey {
      case records = "entries"
      case files, directories, symbolicLinks, devices, others, hardLinks, bytes, rewritten
    }
  }

  /// The program that is started.
  public struct RealInit: Equatable, Sendable {
    /// Its path, then what each symbolic link leads to.
    public var chain: [[UInt8]]
    /// It leads to a regular file that may be executed.
    public var isExecutable: Bool
  }

  /// The kernel that is to boot it; nil for the newest.
  public var kernel: KernelVersion?
  /// Members, padding, refusal.
  public var summary: ImageSummary
  /// What each member holds.
  public var contents: [MemberContents]
  public var totals: Totals
  /// nil if there is none.
  public var realInit: RealInit?
  public var findings: Findings
  /// The memory to boot it with.
  public var memory: MemoryNeed

  /// The most that a decoder of its members takes in PID 1, in bytes.
  public var workspace: Int {
    summary.members.map { Self.workspace($0.workspace, of: $0.unpackedSize) }.max() ?? 0
  }

  /// What a decoder with room for so many bytes takes for a member of this size: where it writes
  /// nothing, there is no memory. A MiB is for its tables.
  public static func workspace(_ room: Int, of size: UInt64) -> Int {
    min(room, Int(clamping: min(size, 1 << 40)) + (1 << 20))
  }

  /// MiB that an image needs at least in which this one is packed.
  /// - Parameter image: the image as the kernel sees it.
  public func memory(packedIn image: Inspection) -> Int {
    MemoryNeed.packed(image.memory, totals, workspace: workspace)
  }

  /// The inits that the kernel and PID 1 try, in this order.
  public static let inits = Vocabulary.inits.map { "\($0)" }

  /// Inspects all of `source`, the image at `path`.
  ///
  /// - Parameters:
  ///   - config: How the kernel that will boot it was built, if known.
  ///   - kernel: Its version, if known and not the one in `config`.
  ///   - inits: The paths to look for the init at; the first that is there is it.
  /// - Throws: why the source cannot be read; ``FileError`` if it asks too much of this machine.
  public init<Source: ImageSource & ~Copyable>(
    _ source: consuming Source, of path: FilePath, config: KernelConfig? = nil,
    kernel: KernelVersion? = nil,
    inits: [[UInt8]] = [Array("/init".utf8)]
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
    realInit = inits.lazy.compactMap(inspector.realInit).first
    findings = inspector.findings
    memory = MemoryNeed(imageSize: summary.size, totals: totals, members: summary.members)
  }
}
