// SPDX-License-Identifier: MIT

public import CLinux

/// The limits of a tmpfs, from statfs(2). A ramfs has none, and does not report its usage.
public struct Limits {
  /// In bytes; 0 means no limit.
  public let size: Int
  public let used: Int

  /// 0 means no limit. tmpfs counts each name of a file (mm/shmem.c, shmem_link()).
  public let inodes: Int
  public let usedInodes: Int

  public init(size: Int = 0, used: Int = 0, inodes: Int = 0, usedInodes: Int = 0) {
    self.size = size
    self.used = used
    self.inodes = inodes
    self.usedInodes = usedInodes
  }

  public init?(of descriptor: Int32) {
    var answer = statfs()
    guard fstatfs(descriptor, &answer) == 0 else { return nil }
    self.init(answer)
  }

  /// The limits in the result of statfs(2).
  public init(_ result: statfs) {
    let blockSize = Int(clamping: result.f_bsize)
    let (blocks, freeBlocks) = (Int(clamping: result.f_blocks), Int(clamping: result.f_bfree))
    let (files, freeFiles) = (Int(clamping: result.f_files), Int(clamping: result.f_ffree))
    self.init(
      size: blocks.times(blockSize), used: max(blocks - freeBlocks, 0).times(blockSize),
      inodes: files, usedInodes: max(files - freeFiles, 0))
  }

  public init?(ofPath path: StaticString) {
    let directory = path.withCString { linux_openat(AT_FDCWD, $0, O_RDONLY | O_DIRECTORY, 0) }
    if directory < 0 { return nil }
    defer { close(directory) }
    self.init(of: directory)
  }

  /// Whether one more entry can be created.
  public var hasInodes: Bool { inodes == 0 || usedInodes < inodes }

  /// Full, or nearly full: the file that did not fit was larger than the free space.
  var isFull: Bool { size > 0 && size - used < size / 8 }

  /// While the tree moves, the leaf may also contain a directory of our own.
  private var neededInodes: Int { usedInodes.plus(1) }

  /// Options for a tmpfs with the same limits, which can hold the contents of this one.
  public var options: Text {
    var text = Text("size=")
    text.add(fittingSize)
    text.add(",nr_inodes=")
    text.add(fittingInodes)
    return text
  }

  /// The limits, raised as far as the contents need.
  public var fittingSize: Int { size == 0 ? 0 : max(size, used) }
  public var fittingInodes: Int { inodes == 0 ? 0 : max(inodes, neededInodes) }

  /// Returns the limits for a tree that replaces its payload, raised to leave room for a sixteenth
  /// more: a tree that fits into memory may take more than half of it, the default limit, and the
  /// system must be able to write.
  ///
  /// - Parameters:
  ///   - payload: the size of its files, in bytes.
  ///   - pageSize: this machine's, except in tests.
  public func holding(
    _ tree: PayloadManifest.Tree, insteadOf payload: Int, pageSize: Int = FreeMemory.pageSize
  ) -> Limits {
    let used = max(used - payload, 0).plus(PayloadNeed.content(of: tree, pageSize: pageSize))
    let usedInodes = usedInodes.plus(PayloadNeed.inodes(of: tree))
    return Limits(
      size: size == 0 ? 0 : max(size, used.plus(used / 16)), used: used,
      inodes: inodes == 0 ? 0 : max(inodes, usedInodes.plus(usedInodes / 16)),
      usedInodes: usedInodes)
  }

  /// Why an empty file system with these limits cannot hold the contents of `tree`; nil if it can.
  public func shortage(for tree: Limits) -> Text? {
    if size > 0 && tree.used > size {
      return Self.shortage(tree.used >> 10, "KiB", "size", size >> 10)
    }
    // Without a limit, statfs(2) does not report the inodes in use.
    if inodes > 0 && tree.inodes > 0 && tree.neededInodes > inodes {
      return Self.shortage(tree.neededInodes, "inodes", "nr_inodes", inodes)
    }
    return nil
  }

  private static func shortage(
    _ needed: Int, _ unit: StaticString, _ option: StaticString, _ given: Int
  ) -> Text {
    var text = Text("the tree needs ")
    text.add(needed)
    text.add(" ")
    text.add(unit)
    text.add(", ")
    text.add(option)
    text.add("= in initramfs_options allows ")
    text.add(given)
    return text
  }
}

extension StaticString {
  /// Calls `body` with the string, which the compiler terminates with a NUL.
  public func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    withUTF8Buffer { buffer in
      buffer.withMemoryRebound(to: CChar.self) { body($0.baseAddress!) }
    }
  }
}
