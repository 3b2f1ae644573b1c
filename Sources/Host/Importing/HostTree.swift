// SPDX-License-Identifier: MIT

import CLinux
import Files
import Initramfs
import Newc
public import SystemPackage
import Tree

/// The tree in a directory of this machine, without file systems mounted in it.
public struct HostTree: TreeSource {
  public let files: [TreeFile]
  public let permissions: FilePermissions
  public let notes: [String]

  private let path: FilePath

  /// - Parameter output: The file that the tree will be packed into, which is not part of the tree.
  /// - Throws: ``FileError``; `CancellationError`.
  public init(_ path: FilePath, leavingOut output: FilePath? = nil) throws {
    self.path = path
    var walk = try Walk(HostDirectory(path), output.flatMap(OwnOutput.init))
    while try walk.step() { try Task.checkCancellation() }
    files = walk.files()
    permissions = walk.permissions
    let mounts: [String] =
      switch walk.mounts {
      case 0: []
      case 1: ["1 mount point is packed as an empty directory"]
      default: ["\(walk.mounts) mount points are packed as empty directories"]
      }
    notes =
      mounts
      + walk.leftOut.map { "left out \(quoted($0)): output of pack" }
      + [walk.unreadable.note, walk.lostLinks].compactMap { $0 }
  }

  public func readContents(
    of isWanted: (Int) -> Bool, progress: @escaping (Int64, Int64) -> Void,
    begin: (Int) throws -> Void, data: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let wanted = files.indices.filter { files[$0].dataSize > 0 && isWanted($0) }
    let size = wanted.reduce(0) { $0 + Int64(clamping: files[$1].dataSize) }
    var read: Int64 = 0
    let directory = try HostDirectory(path)
    for index in wanted {
      let file = files[index]
      try begin(index)
      let extents = file.sparse?.extents ?? [Extent(offset: 0, count: file.entry.size)]
      try directory.read(file.names[0], extents) { bytes in
        try Task.checkCancellation()
        try data(bytes)
        read += Int64(bytes.count)
        progress(read, size)
      }
    }
  }
}

/// A directory of this machine; paths in it cannot leave it.
private final class HostDirectory {
  let path: FilePath
  let root: FileDescriptor

  private let paths: RootedPaths

  init(_ path: FilePath) throws(FileError) {
    let root = try FileError.naming(path, cannot: "open") {
      try FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec])
    }
    self.path = path
    self.root = root
    paths = RootedPaths(root: root.rawValue)
  }

  deinit { try? root.close() }

  /// Runs `body`, which makes system calls about the file `name`.
  func call<Result>(
    _ act: String, _ name: [UInt8], _ body: () throws(Failure) -> Result
  ) throws(FileError) -> Result {
    do throws(Failure) { return try body() } catch {
      let file = path.appending(String(decoding: name, as: UTF8.self))
      throw FileError(name.isEmpty ? path : file, cannot: act, Errno(rawValue: error.code))
    }
  }

  /// Passes each name in a directory to `body`, with the directory's descriptor, which is closed
  /// afterwards.
  func list(
    _ directory: [UInt8], _ body: (Int32, [CChar]) throws -> Void
  ) throws {
    let descriptor = try call("open", directory) { () throws(Failure) in
      try paths.open(directory, O_RDONLY | O_DIRECTORY)
    }
    defer { closeQuietly(descriptor) }
    let names = try call("read", directory) { () throws(Failure) in
      try entryNames(of: descriptor)
    }
    for name in names { try body(descriptor, name) }
  }

  /// Passes on the bytes of a regular file that are in `extents`.
  func read(
    _ name: [UInt8], _ extents: [Extent], _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let descriptor = try call("open", name) { () throws(Failure) in
      try paths.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    }
    defer { closeQuietly(descriptor) }
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { block.deallocate() }
    for extent in extents {
      var (offset, left) = (Int(extent.offset), Int(extent.count))
      while left > 0 {
        let wanted = min(left, block.count)
        let step = try call("read", name) { () throws(Failure) in
          try attempt("read") { pread(descriptor, block.baseAddress, wanted, offset) }
        }
        guard step > 0 else {
          throw FileError(
            path.appending(String(decoding: name, as: UTF8.self)),
            "has become shorter while it was read")
        }
        try body(UnsafeRawBufferPointer(rebasing: block[..<step]))
        offset += step
        left -= step
      }
    }
  }
}

/// The file that a tree is packed into, and leftovers of an interrupted run.
private struct OwnOutput {
  /// The directory that contains it.
  let directory: Status
  let name: [UInt8]

  /// nil if its directory does not exist.
  init?(_ path: FilePath) {
    guard let target = try? OutputFile.target(of: path), let name = target.lastComponent else {
      return nil
    }
    let parent = target.removingLastComponent()
    let descriptor = (parent.isEmpty ? "." : parent).withPlatformString {
      linux_openat(AT_FDCWD, $0, LINUX_O_PATH | O_DIRECTORY, 0)
    }
    defer { closeQuietly(descriptor) }
    guard let status = try? Status(of: descriptor) else { return nil }
    directory = status
    self.name = Array(name.string.utf8)
  }

  func isIn(_ other: Status) -> Bool {
    other.inode == directory.inode && other.device == directory.device
  }

  func has(_ name: [UInt8]) -> Bool {
    name == self.name || OutputFile.isTemporary(String(decoding: name, as: UTF8.self))
  }
}

/// Finds all files of a directory.
private struct Walk {
  /// The number of mount points.
  private(set) var mounts = 0
  /// Output files, finished or not.
  private(set) var leftOut: [[UInt8]] = []
  private(set) var unreadable = UnreadableXattrs()
  /// The permissions for a file with the tree: whoever may read the directory may read it.
  let permissions: FilePermissions

  private struct Key: Hashable {
    let device: dev_t
    let inode: UInt64
  }

  private struct Found {
    var names: [[UInt8]]
    /// The number of its names, in the tree and elsewhere; 1 for a directory.
    var links: Int
    var entry: Entry
    var target: [UInt8]
    var seconds: Int64
    var xattrs: [Xattr]
    var sparse: SparseMap?
  }

  private let directory: HostDirectory
  private let output: OwnOutput?
  private let device: dev_t
  private var found: [Found] = []
  /// The indices in `found` of files with several names.
  private var links: [Key: Int] = [:]
  private var waiting: [[UInt8]] = [[]]

  init(_ directory: HostDirectory, _ output: OwnOutput?) throws {
    self.directory = directory
    self.output = output
    let root = directory.root.rawValue
    let status = try directory.call("stat", []) { () throws(Failure) in try Status(of: root) }
    device = status.device
    permissions = FilePermissions(rawValue: CModeT(status.mode & 0o444 | 0o200))
    try add([], status, in: root, [0x2E, 0])
  }

  /// Lists one more directory; false if none is left.
  mutating func step() throws -> Bool {
    guard let path = waiting.popLast() else { return false }
    try directory.list(path) { descriptor, name in
      let bytes = name.dropLast().map { UInt8(bitPattern: $0) }
      let path = path.isEmpty ? bytes : path + [UInt8(ascii: "/")] + bytes
      let status = try directory.call("stat", path) { () throws(Failure) in
        try Status(of: name, in: descriptor)
      }
      if let output, output.has(bytes), status.isRegular,
        output.isIn(
          try directory.call("stat", path) { () throws(Failure) in try Status(of: descriptor) })
      {
        return leftOut.append(path)
      }
      try add(path, status, in: descriptor, name)
      guard status.isDirectory else { return }
      if status.device == device { waiting.append(path) } else { mounts += 1 }
    }
    return true
  }

  private mutating func add(
    _ path: [UInt8], _ status: Status, in parent: Int32, _ name: [CChar]
  ) throws {
    let key = Key(device: status.device, inode: status.inode)
    if !status.isDirectory, status.links > 1 {
      if let index = links[key] { return found[index].names.append(path) }
      links[key] = found.count
    }
    guard path.count < Writer.pathLimit else {
      throw FileError(
        directory.path, "has a path of \(path.count) bytes, the kernel takes at most 4095")
    }
    var entry = Entry(
      name: path, mode: status.mode, userID: status.user, groupID: status.group,
      size: status.isRegular ? UInt64(status.size) : 0)
    if entry.type == .characterDevice || entry.type == .blockDevice {
      entry.specialDevice = Device(
        major: UInt32(linux_major(status.deviceNode)), minor: UInt32(linux_minor(status.deviceNode))
      )
    }
    let target = try status.isSymbolicLink ? target(path, status, in: parent, name) : []
    found.append(
      Found(
        names: [path], links: status.isDirectory ? 1 : Int(status.links), entry: entry,
        target: target, seconds: status.modified,
        xattrs: try xattrs(path, in: parent, name),
        sparse: status.isRegular && status.isSparse
          ? try sparse(path, status.size, in: parent, name) : nil))
  }

  /// lseek(2): a file system without support for holes reports only data.
  private func sparse(
    _ path: [UInt8], _ size: Int, in parent: Int32, _ name: [CChar]
  ) throws(FileError) -> SparseMap? {
    let file = try directory.call("open", path) { () throws(Failure) in
      try attempt("open") { linux_openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0) }
    }
    defer { closeQuietly(file) }
    var extents: [Extent] = []
    var place = 0
    while place < size {
      let start = lseek(file, place, LINUX_SEEK_DATA)
      if start < 0, linux_errno() != ENXIO { return nil }
      guard start >= place, start < size else { break }
      let end = lseek(file, start, LINUX_SEEK_HOLE)
      guard end > start else { return nil }
      place = min(end, size)
      extents.append(Extent(offset: UInt64(start), count: UInt64(place - start)))
    }
    return SparseMap(size: UInt64(size), data: extents)
  }

  /// readlinkat(2).
  private func target(
    _ path: [UInt8], _ status: Status, in parent: Int32, _ name: [CChar]
  ) throws(FileError) -> [UInt8] {
    var target = [UInt8](repeating: 0, count: Writer.pathLimit)
    let count = try directory.call("read", path) { () throws(Failure) in
      try attempt("readlinkat") {
        target.withUnsafeMutableBytes {
          readlinkat(parent, name, $0.assumingMemoryBound(to: CChar.self).baseAddress!, $0.count)
        }
      }
    }
    return Array(target[..<count])
  }

  /// These calls have no `*at` form before Linux 6.13; proc_pid_fd(5) stands for the directory.
  private mutating func xattrs(
    _ path: [UInt8], in parent: Int32, _ name: [CChar]
  ) throws(FileError) -> [Xattr] {
    let prefix = "/proc/self/fd/\(parent)/".utf8.map { CChar(bitPattern: $0) }
    let place = prefix + name
    var hidden: Set<[CChar]> = []
    let attributes = try directory.call("read the xattrs of", path) { () throws(Failure) in
      try Attributes(list: { llistxattr(place, $0, $1) }) { name, value, size in
        let length = lgetxattr(place, name, value, size)
        if length >= 0 || !UnreadableXattrs.isOne(name, linux_errno()) { return length }
        hidden.insert(Array(UnsafeBufferPointer(start: name, count: strlen(name) + 1)))
        return 0
      }
    }
    for attribute in attributes.all where hidden.contains(attribute.name) {
      unreadable.add(attribute.name, of: path)
    }
    return attributes.all
      .filter { !hidden.contains($0.name) }
      .map {
        Xattr(name: $0.name.dropLast().map { UInt8(bitPattern: $0) }, value: $0.value)
      }
      .sorted { $0.name.lexicographicallyPrecedes($1.name) }
  }

  /// Files that have names elsewhere, or more than their file system says: fuse2fs 1.47.2 gives each
  /// name an inode number of its own. nil if there are none.
  var lostLinks: String? {
    let lost = found.filter { $0.names.count < $0.links }
    let names = lost.flatMap(\.names)
    guard let first = names.min(by: { $0.lexicographicallyPrecedes($1) }) else { return nil }
    let few = lost.count == 1 ? "1 file has" : "\(lost.count) files have"
    return "\(few) more hard links than names in the tree: \(quoted(first))"
  }

  /// The files in the order of ``TreeSource/files``.
  func files() -> [TreeFile] {
    var files = found.map { one in
      TreeFile(
        names: one.names.sorted { $0.lexicographicallyPrecedes($1) }, entry: one.entry,
        target: one.target, seconds: one.seconds, xattrs: one.xattrs, sparse: one.sparse)
    }
    files.sortByName()
    return files
  }
}

/// The extended attributes `trusted.*` that a file system lists to everyone, as FUSE does. Only root
/// can read them: xattr(7).
private struct UnreadableXattrs {
  private var count = 0
  private var first = ""

  /// Whether lgetxattr(2) fails with `error` because `name` is for root only.
  static func isOne(_ name: UnsafePointer<CChar>, _ error: Int32) -> Bool {
    error == ENODATA && String(cString: name).hasPrefix("trusted.")
  }

  mutating func add(_ name: [CChar], of path: [UInt8]) {
    count += 1
    if count == 1 {
      first = "\(quoted(path)): \(quoted(name.dropLast().map { UInt8(bitPattern: $0) }))"
    }
  }

  /// What is missing of the tree; nil if nothing is.
  var note: String? {
    switch count {
    case 0: nil
    case 1: "left out 1 extended attribute that only root can read: \(first)"
    default: "left out \(count) extended attributes that only root can read: \(first)"
    }
  }
}
