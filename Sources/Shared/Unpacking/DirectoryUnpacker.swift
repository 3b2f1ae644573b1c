// SPDX-License-Identifier: MIT

import CLinux
public import Initramfs
import Newc

/// Unpacks an image into a directory: what the kernel would make of it in rootfs.
///
/// One thread reads and decodes, another makes the files.
public struct DirectoryUnpacker: Sendable {
  /// What was done.
  public struct Summary: Equatable, Sendable {
    /// Files, directories and the like, as often as the image has them.
    public var entries = 0
    /// Bytes of content.
    public var bytes: UInt64 = 0
    /// What the kernel would not have made either: the first few.
    public var lost: [LostRecord] = []
    /// How many of these.
    public var lostCount = 0
    /// Device nodes that only root may make.
    public var deviceCount = 0
    /// Calls for owners who are not known in this user namespace.
    public var ownerCount = 0
    /// xattrs of a payload that were not set.
    public var missingXattrs = MissingXattrs()
    /// What the image is. What comes before the place where the kernel would stop is unpacked.
    public var image = ImageSummary()

    /// How many lost records are kept: a hostile image has any number.
    static var lostLimit: Int { 8 }

    mutating func add(_ record: LostRecord) {
      lostCount += 1
      if lost.count < Self.lostLimit { lost.append(record) }
    }
  }

  /// Why it ended early.
  public enum Failure<Source: Error>: Error {
    /// The image cannot be read.
    case source(Source)
    /// A file cannot be made, and it is not the image's fault.
    case tree(UnpackFailure)
  }

  /// For which kernel.
  public var rules = KernelRules()
  /// Whether owners are set and devices are made. Default: for root.
  public var isPrivileged = geteuid() == 0

  public init() {}

  /// Unpacks `source` into the empty directory that `root` is open on. Nobody but its owner is let
  /// into it until all is there; if that fails, it stays so.
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

  /// Hands all that is in the image to `writer`, as long as that succeeds.
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
        // Of a file that cannot be made the sum is not looked at either: so it must be known now.
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
