// SPDX-License-Identifier: MIT

public import Encoding
import Evidence
import Files
import Initramfs
public import Inspection
import Leaf
import Newc
public import SystemPackage

/// Packs a tree: an image whose payload PID 1 unpacks straight into the leaf.
public struct Packer: Sendable {
  /// How members are compressed.
  public var encoding: Encoding
  /// Threads that compress.
  public var jobs: Int
  /// A member ends with the file that makes it this large, in bytes of newc.
  public var memberSize: Int
  /// The real init, if it is not one of the kernel's list.
  public var realInit: String?
  /// Of the files that are not the tree's, in seconds since 1970.
  public var modificationTime: UInt32 = 0

  public init(_ encoding: Encoding, jobs: Int, memberSize: Int) {
    self.encoding = encoding
    self.jobs = jobs
    self.memberSize = memberSize
  }

  /// What was written.
  public struct Summary: Equatable, Sendable {
    public var size: Int64
    public var members: Int
    public var entries: Int
    /// Of content.
    public var bytes: UInt64
  }

  /// Writes `tree`, which was read of `image`, with `program` as PID 1, as the new file `output`.
  ///
  /// - Parameter progress: is called with the offset of the image up to which it has been read.
  /// - Throws: ``FileError``; `CancellationError`. `output` is then unchanged.
  public func write(
    _ tree: ImageTree, of image: FilePath, _ program: GuestInit, into output: FilePath,
    progress: @escaping (Int64, Int64) -> Void = { _, _ in }
  ) throws -> Summary {
    let input = try InputFile(image)
    let permissions = input.permissions
    var writer = PayloadWriter(try OutputFile(output), modificationTime: modificationTime)
    try writer.write(front: try input.bytes(at: 0, count: Int(tree.front)))
    let names = programNames(beside: tree)
    for file in tree.files where file.isSkeleton && !names.contains(file.names[0]) {
      try writer.write(file.entry.with(linkCount: 1), file.target)
    }
    try writer.begin(program, names: names)

    var builder = MemberBuilder(self, output)
    try builder.addFirst(of: tree)
    let source = ObservedFile(input, onRead: progress)
    try tree.readContents(source) { index in
      try builder.begin(tree.files[index])
      while let member = try builder.take() { try writer.write(member: member) }
    } data: { bytes in
      try builder.add(bytes)
    }
    try builder.finish()
    while let member = try builder.take() { try writer.write(member: member) }

    var about = PayloadAbout()
    about.members = writer.count
    about.tree = tree.size
    about.realInit = realInit.map { Array($0.utf8) }
    let (members, entries) = (writer.count, about.tree?.entries ?? 0)
    return Summary(
      size: try writer.finish(about, permissions: permissions), members: members,
      entries: entries, bytes: UInt64(about.tree?.bytes ?? 0))
  }

  /// Those that the kernel may be told to execute, unless the tree has a directory there.
  private func programNames(beside tree: ImageTree) -> [[UInt8]] {
    var names = ["init", ImageFile.leafName]
    if let realInit { names.append(String(realInit.drop { $0 == "/" })) }
    let directories = Set(tree.files.filter { $0.entry.type == .directory }.map(\.entry.name))
    return names.map { Array($0.utf8) }.reduce(into: []) { result, name in
      if !directories.contains(name), !result.contains(name) { result.append(name) }
    }
  }
}

extension ImageTree.File {
  /// Whether paths of other files may lead through it.
  var isSkeleton: Bool {
    entry.type == .directory || entry.type == .symbolicLink
  }
}

extension Entry {
  func with(linkCount: UInt32) -> Entry {
    var entry = self
    entry.linkCount = linkCount
    return entry
  }
}

extension ImageTree {
  /// The tree as a tmpfs counts it.
  var size: PayloadAbout.Tree {
    var size = PayloadAbout.Tree(entries: 0, bytes: 0, pages: 0)
    for file in files {
      size.entries += file.names.count
      // mm/shmem.c, SHORT_SYMLINK_LEN.
      let bytes = file.entry.type == .regular ? Int(clamping: file.entry.size) : 0
      size.bytes += bytes
      size.pages += (bytes + 4095) / 4096 + (file.target.count >= 128 ? 1 : 0)
    }
    return size
  }
}
