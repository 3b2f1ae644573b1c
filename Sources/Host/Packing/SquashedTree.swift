// SPDX-License-Identifier: MIT

public import Files
public import Importing
import Initramfs
import Newc
public import SystemPackage

/// A tree in parts: what is below some directories becomes a squashfs, the rest members.
public struct SquashedTree {
  public let directories: [SquashedDirectory]
  /// The whole tree.
  public let whole: any TreeSource
  /// Everything outside of the directories, and each of them as an empty one.
  let outside: PartialTree
  /// The directories with their content, without the xattrs that are left out.
  let inside: PartialTree
  /// The content that a squashfs, or a tar archive, cannot hold, and the directories that it is in.
  let over: PartialTree
  /// The first names of files with names on both sides of a border: each side has a copy.
  public let copied: [[UInt8]]
  /// The xattrs that ``inside`` lacks since no tmpfs supports them.
  let unsettable: UnsettableXattrs

  /// - Parameters:
  ///   - xattrsLeftOut: The namespaces of xattrs to leave out.
  ///   - source: The name of the tree in errors.
  /// - Throws: ``FileError`` if one of `directories` is no directory of the tree, or has files that
  ///   an overlay hides.
  public init(
    _ whole: any TreeSource, _ directories: [SquashedDirectory],
    leavingOut xattrsLeftOut: Set<XattrNamespace> = [], from source: FilePath
  ) throws(FileError) {
    let search = PathSearch(whole.files)
    for directory in directories { try search.check(directory, source) }
    var border = Border(directories, XattrFilter(leavingOut: xattrsLeftOut), source)
    for (index, file) in whole.files.enumerated() { try border.add(file, index) }
    border.addParentsOfOver(from: whole.files)
    self.directories = directories
    self.whole = whole
    outside = PartialTree(of: whole, border.outside)
    inside = PartialTree(of: whole, border.inside)
    over = PartialTree(of: whole, border.over)
    copied = border.copied
    unsettable = border.xattrs.unsettable
  }
}

/// Sorts the files of a tree.
private struct Border {
  private(set) var outside: [(index: Int, file: TreeFile)] = []
  private(set) var inside: [(index: Int, file: TreeFile)] = []
  private(set) var over: [(index: Int, file: TreeFile)] = []
  private(set) var copied: [[UInt8]] = []
  private(set) var xattrs: XattrFilter

  private let directories: [SquashedDirectory]
  private let roots: Set<[UInt8]>
  private let source: FilePath

  init(_ directories: [SquashedDirectory], _ xattrs: XattrFilter, _ source: FilePath) {
    self.directories = directories
    self.xattrs = xattrs
    self.source = source
    roots = Set(directories.map(\.path))
  }

  mutating func add(_ file: TreeFile, _ index: Int) throws(FileError) {
    if roots.contains(file.names[0]) {
      outside.append((index, file))
      // Its metadata is that of the outer one.
      var root = file
      root.xattrs = []
      return inside.append((index, root))
    }
    var (within, without): ([[UInt8]], [[UInt8]]) = ([], [])
    for name in file.names {
      if directories.contains(where: { $0.contains(name) }) {
        within.append(name)
      } else {
        without.append(name)
      }
    }
    if within.isEmpty { return outside.append((index, file)) }
    if !without.isEmpty {
      outside.append((index, file.named(without)))
      copied.append(file.names[0])
    }
    try addInside(file.named(within), index)
  }

  private mutating func addInside(_ file: TreeFile, _ index: Int) throws(FileError) {
    var filter = xattrs
    var plain = file
    plain.xattrs = filter.kept(of: file)
    try refuseHidden(plain)
    if plain.isBeyondSquashfs {
      over.append((index, file))
      // A directory is in both: its content may be in the squashfs.
      guard file.entry.type == .directory else { return }
      plain.xattrs = []
    } else {
      xattrs = filter
    }
    inside.append((index, plain))
  }

  /// - Throws: ``FileError`` for a file that an overlay does not show. fs/overlayfs,
  ///   `ovl_is_whiteout` and `ovl_is_private_xattr`.
  private func refuseHidden(_ file: TreeFile) throws(FileError) {
    let name = quoted(file.names[0])
    if file.entry.type == .characterDevice, file.entry.specialDevice == Device() {
      throw FileError(
        source, "\(name) is a character device 0:0, which an overlay takes for a removed file")
    }
    if let xattr = file.xattrs.first(where: { $0.name.starts(with: "trusted.overlay.".utf8) }) {
      throw FileError(
        source,
        "\(name) has \(String(decoding: xattr.name, as: UTF8.self)), which an overlay keeps to "
          + "itself; leave it out with --no-xattrs trusted")
    }
  }

  /// Adds the directories that the files over the squashfs are in: they are made anew over it, and
  /// their times change.
  mutating func addParentsOfOver(from files: [TreeFile]) {
    var parents: Set<[UInt8]> = []
    for name in over.flatMap({ $0.file.names }) {
      var name = name[...]
      while let slash = name.lastIndex(of: UInt8(ascii: "/")), !roots.contains(Array(name)) {
        name = name[..<slash]
        parents.insert(Array(name))
      }
    }
    let known = Set(over.map(\.index))
    for (index, file) in files.enumerated()
    where parents.contains(file.names[0]) && !known.contains(index) {
      over.append((index, file))
    }
  }
}

extension TreeFile {
  /// Whether a squashfs, or the tar archive that it is made of, cannot hold the file.
  fileprivate var isBeyondSquashfs: Bool {
    entry.type == .socket || farTime != nil || entry.size > UInt64(UInt32.max)
      || xattrs.contains { !$0.isInSquashfs } || xattrSize > Self.tarXattrLimit
  }

  /// The most bytes that the xattrs take in the header of a tar archive, where a byte of a name may
  /// take three, and three bytes of a value take four.
  private var xattrSize: Int {
    xattrs.reduce(0) { $0 + 3 * $1.name.count + $1.value.count / 3 * 4 + 32 }
  }

  /// `tar2sqfs` takes 64 KiB, which may also have a path and a target.
  private static let tarXattrLimit = 56 << 10
}

extension Xattr {
  /// Whether a squashfs holds it: its kernel code knows these namespaces, and `sqfs2tar` writes
  /// names with `=` or `%` so that they cannot be read.
  fileprivate var isInSquashfs: Bool {
    ["user.", "trusted.", "security."].contains { name.starts(with: $0.utf8) }
      && !name.contains { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "%") }
  }
}

extension PathSearch {
  /// - Throws: ``FileError`` unless `directory` is one.
  fileprivate func check(
    _ directory: SquashedDirectory, _ source: FilePath
  ) throws(FileError) {
    if let link = firstLink(on: directory.path) {
      throw FileError(
        source,
        "\(directory) cannot be squashed: \(quoted(link.names[0])) is a symbolic link to "
          + "\(quoted(link.target)); name the directory itself")
    }
    guard let type = type(at: directory.path) else {
      throw FileError(source, "has no directory \(directory)")
    }
    guard type == .directory else {
      throw FileError(source, "\(directory) is not a directory")
    }
  }
}
