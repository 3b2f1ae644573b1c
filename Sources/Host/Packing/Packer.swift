// SPDX-License-Identifier: MIT

public import BootFacts
public import Encoders
import Files
import Images
public import Importing
import Initramfs
import Newc
public import SystemPackage

/// Packs a tree into an image whose payload PID 1 unpacks directly into the leaf.
public struct Packer: Sendable {
  /// The compression of members.
  public var encoding: Encoding
  /// The number of compressing threads.
  public var jobs: Int
  /// The size of newc in bytes at which a member ends, after the current file.
  public var memberSize: Int
  /// The path of the real init, if it is not one that the kernel would try.
  public var realInit: String?
  /// The modification time of LeafRoot's own files, in seconds since 1970.
  public var modificationTime: UInt32 = 0
  /// The namespaces of xattrs to leave out of the payload.
  public var xattrsLeftOut: Set<XattrNamespace> = []

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
    /// The bytes of content.
    public var bytes: UInt64
    /// The path of the init that PID 1 finds in the tree; nil if there is none.
    public var realInit: String?
    /// The xattrs of the tree that tmpfs does not support and that the payload therefore lacks.
    public var unsettableXattrs = UnsettableXattrs()
    /// What the squashfs holds; nil if there is none.
    public var squashed: PayloadManifest.Squashed?
    /// What the root keeps in memory after the boot, in bytes: the squashfs, and the content of the
    /// other files in pages of 4 KiB.
    public var kept: Int64
  }

  /// Writes `tree` with `program` as PID 1 to the new file `output`.
  ///
  /// - Parameters:
  ///   - squash: The squashed parts of `tree`; nil if there are none.
  ///   - progress: Called with the number of bytes read of the tree's source, and its size.
  /// - Throws: ``FileError``; `CancellationError`. `output` is then unchanged.
  public func write(
    _ tree: any TreeSource, _ program: GuestInit, squashed squash: Squash? = nil,
    into output: FilePath, progress: @escaping (Int64, Int64) -> Void = { _, _ in }
  ) throws -> Summary {
    try refuseUnpackable(tree.files, output)
    var writer = PayloadWriter(try OutputFile(output), modificationTime: modificationTime)
    try writer.write(front: tree.front)
    let names = programNames(beside: tree.files)
    let search = PathSearch(tree.files)
    try writer.begin()
    try writeSkeleton(of: tree.files, search, besides: names, &writer)
    try writer.write(program, names: names)
    if let squash {
      try writer.write(modules: squash.kernels)
      try writer.write(squash: squash.image)
    }

    let members: any TreeSource = squash?.tree.outside ?? tree
    var xattrs = try makeMembers(of: members, output, progress: progress) { try writer.write($0) }
    let memberCount = writer.count
    if let squash { xattrs.add(try write(over: squash.tree, output, &writer)) }

    var about = PayloadManifest()
    about.members = memberCount
    about.tree = PayloadManifest.Tree(members.files + (squash?.tree.over.files ?? []))
    about.decoder = writer.decoder
    about.realInit = realInit.map { Array($0.utf8) }
    about.over = writer.count - memberCount
    if let squash { squash.describe(in: &about) }
    return try finish(writer, about, tree.permissions, search, xattrs, squash)
  }

  private func finish(
    _ writer: consuming PayloadWriter, _ about: PayloadManifest, _ permissions: FilePermissions,
    _ search: PathSearch, _ xattrs: UnsettableXattrs, _ squash: Squash?
  ) throws -> Summary {
    let tree = about.tree ?? PayloadManifest.Tree()
    let count = writer.count
    return Summary(
      size: try writer.finish(about, permissions: permissions), members: count,
      entries: tree.entries, bytes: UInt64(tree.bytes),
      realInit: search.initPath(preferring: realInit), unsettableXattrs: xattrs,
      squashed: about.squashed,
      kept: (squash?.image.size ?? 0) + Int64(tree.pages[0] * PayloadManifest.Tree.pageSizes[0]))
  }

  /// Makes the members of a tree.
  ///
  /// - Parameters:
  ///   - output: The name of the image in errors.
  ///   - onMember: Called with each member, in order.
  /// - Returns: The xattrs that they lack.
  func makeMembers(
    of tree: any TreeSource, _ output: FilePath,
    progress: @escaping (Int64, Int64) -> Void = { _, _ in },
    onMember: (MemberEncoder.Encoded) throws -> Void
  ) throws -> UnsettableXattrs {
    var builder = MemberBuilder(self, output)
    try builder.addFirst(of: tree.files)
    try tree.readContents(progress: progress) { index in
      try builder.begin(tree.files[index])
      while let member = try builder.take() { try onMember(member) }
    } data: { bytes in
      try builder.add(bytes)
    }
    try builder.finish()
    while let member = try builder.take() { try onMember(member) }
    return builder.xattrs.unsettable
  }

  /// Writes the members with what the squashfs cannot hold.
  /// - Returns: The xattrs that the squashfs and these members lack.
  private func write(
    over tree: SquashedTree, _ output: FilePath, _ writer: inout PayloadWriter
  ) throws -> UnsettableXattrs {
    var xattrs = tree.unsettable
    if !tree.over.files.isEmpty {
      xattrs.add(try makeMembers(of: tree.over, output) { try writer.write($0) })
    }
    return xattrs
  }

  /// Writes the directories and symbolic links that paths in later images may lead through: the
  /// kernel drops a file whose directory is missing. Links to files are not needed.
  private func writeSkeleton(
    of files: [TreeFile], _ search: PathSearch, besides names: [String],
    _ writer: inout PayloadWriter
  ) throws(FileError) {
    let replaced = Set(names.map { Array($0.utf8) })
    for file in files {
      let isLink = file.entry.type == .symbolicLink
      guard isLink || file.entry.type == .directory else { continue }
      for name in file.names where !replaced.contains(name) {
        if isLink, let type = search.type(at: name), type != .directory { continue }
        var entry = file.entry
        // The root's own name is empty.
        if !name.isEmpty { entry.name = name }
        entry.linkCount = 1
        try writer.write(entry, file.target)
      }
    }
  }

  /// - Throws: ``FileError`` for files that do not fit into a payload.
  private func refuseUnpackable(_ files: [TreeFile], _ output: FilePath) throws(FileError) {
    for file in files where file.dataSize > UInt64(UInt32.max) {
      throw FileError(
        output,
        "newc holds files with less than 4 GiB of data: \(quoted(file.names[0])) has "
          + "\(file.dataSize) bytes")
    }
  }

  /// The names that the kernel may be told to execute, unless the tree has a directory there.
  private func programNames(beside files: [TreeFile]) -> [String] {
    var names = [Image.leafName, "init"]
    if let realInit { names.append(String(realInit.drop { $0 == "/" })) }
    let directories = Set(files.filter { $0.entry.type == .directory }.map(\.entry.name))
    return names.reduce(into: []) { result, name in
      if !directories.contains(Array(name.utf8)), !result.contains(name) { result.append(name) }
    }
  }
}

extension TreeFile {
  /// The number of pages of `size` bytes that the file takes in a tmpfs.
  fileprivate func pages(of size: Int) -> Int {
    // mm/shmem.c, SHORT_SYMLINK_LEN.
    if entry.type == .symbolicLink { return target.count >= 128 ? 1 : 0 }
    let size = UInt64(size)
    return Int(clamping: sparse?.pages(of: size) ?? (entry.size + size - 1) / size)
  }
}

extension PayloadManifest.Tree {
  /// The size of `files` in a tmpfs.
  init(_ files: [TreeFile]) {
    self.init()
    for file in files {
      entries += file.names.count
      bytes += Int(clamping: file.dataSize)
      for (index, size) in Self.pageSizes.enumerated() { pages[index] += file.pages(of: size) }
    }
  }
}
