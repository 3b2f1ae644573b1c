// SPDX-License-Identifier: MIT

import CLinux
public import Initramfs
import Newc

/// Unpacks an image into a directory as the kernel would into rootfs.
///
/// One thread reads and decodes, another makes the files.
public struct DirectoryUnpacker: Sendable {
  /// What was unpacked.
  public struct Summary: Equatable, Sendable {
    /// Files, directories and other entries, counted as often as the image has them.
    public var entries = 0
    /// Bytes of content.
    public var bytes: UInt64 = 0
    /// The first few records that the kernel would not have made either.
    public var lost: [LostRecord] = []
    /// The number of all such records.
    public var lostCount = 0
    /// The number of device nodes that were not made because only root may make them.
    public var deviceCount = 0
    /// The number of calls for owners that this user namespace does not know.
    public var ownerCount = 0
    /// xattrs of a payload that were not set.
    public var missingXattrs = MissingXattrs()
    /// The summary of the image. Everything before the place where the kernel would stop is
    /// unpacked.
    public var image = ImageSummary()

    /// How many lost records are kept; a hostile image can have any number.
    static var lostLimit: Int { 8 }

    mutating func add(_ record: LostRecord) {
      lostCount += 1
      if lost.count < Self.lostLimit { lost.append(record) }
    }
  }

  /// Why unpacking ended early.
  public enum Failure<Source: Error>: Error {
    /// The image cannot be read.
    case source(Source)
    /// A file cannot be made, for a reason outside the image.
    case tree(UnpackFailure)
  }

  /// The rules of the kernel to imitate.
  public var rules = KernelRules()
  /// Whether to set owners and make devices. By default, only for root.
  public var isPrivileged = geteuid() == 0

  public init() {}

  /// Unpacks `source` into the empty directory that `root` is open on. Only its owner has access
  /// until the tree is complete; after a failure this stays so.
  public func run<Source: ImageSource & ~Copyable>(
    _ source: consuming Source, into root: Int32
  ) throws(Failure<Source.Failure>) -> Summary {
    let heldRoot = HeldRoot(root)
    let builtIn: BuiltInFiles
    do throws(UnpackFailure) {
      builtIn = try BuiltInFiles(in: root, isPrivileged: isPrivileged)
    } catch {
      throw .tree(error)
    }
    let reader = ImageReader(source, rules)
    let tree = DirectoryTree(root, isPrivileged: isPrivileged, heldRoot: heldRoot)
    let writer = TreeWriter(Unpacker(tree))
    var summary: Summary
    do throws(Source.Failure) {
      summary = try read(reader, writer)
    } catch {
      writer.abandon()
      throw .source(error)
    }
    do throws(UnpackFailure) {
      try writer.finish(&summary, builtIn)
    } catch {
      throw .tree(error)
    }
    return summary
  }

  /// Passes everything in the image to `writer` until the writer fails.
  private func read<Source: ImageSource & ~Copyable>(
    _ reader: ImageReader<Source>, _ writer: TreeWriter
  ) throws(Source.Failure) -> Summary {
    var summary = Summary()
    while !writer.hasFailed, let event = try reader.next() {
      switch event {
      case .entry(let record):
        summary.entries += 1
        guard record.entry.type == .regular else {
          writer.add(.create(record))
          break
        }
        summary.bytes += record.entry.size
        writer.add(.create(record))
        // The sum of a file that cannot be made is not checked, so this must be known now.
        if record.isSummed, !writer.isFileOpen() { reader.passOver() }
      case .data(let bytes): writer.add(bytes)
      case .dataEnds: writer.add(.endData)
      case .trailer: writer.add(.forgetLinks)
      case .skipped(let record, let why): writer.add(.skip(LostRecord(record, why)))
      case .memberBegins, .memberEnds: break
      }
    }
    summary.image = reader.summary
    return summary
  }
}
