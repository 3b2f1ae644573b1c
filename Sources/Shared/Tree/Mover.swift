// SPDX-License-Identifier: MIT

import CLinux
import Threads

/// Moves a whole tree from one file system to another: every entry with type, content, owner,
/// permissions, device number, times, xattrs and hard links. Entries are removed from the source as
/// they move, so that the tree is in memory only once. Mounts in it are moved, not copied.
///
/// One thread walks the tree; a crew moves the regular files, which are most of the work. Only
/// descriptors and single names are used, so no symbolic link can divert a path.
public final class Mover {
  /// Directory entries that have left the source, not counting the root.
  public private(set) var entries: Int = 0

  /// Bytes of content that have left the source.
  public private(set) var bytes: Int = 0

  /// The number of files that `move` found to end in a hole. The kernel sets a file's size before
  /// it writes the content (init/initramfs.c, do_name()), so a truncated archive leaves such a
  /// file. Holes are whole pages. Files with a name outside the tree are not counted.
  public private(set) var filesEndingInHole: Int = 0

  /// The path of one of these files, with the root of the tree as `/`; empty if there is none.
  public private(set) var firstEndingInHole: [UInt8] = []

  /// Whether there were regular files with several names.
  public private(set) var hasLinkedFiles = false

  private let source: Int32
  private let target: Int32
  private let status: Status
  private let isMerge: Bool
  private let isApart: Bool
  private let selection: Selection?
  /// The inodes of selected files that have several names.
  private var selectedFiles: Set<UInt64> = []
  private let crew: Crew<FileMove>

  /// Exists from the first file with several names until its run, or `restore`, ends.
  private var links: HardLinks?
  private var isReturning = false

  private let monitor = Monitor()
  /// The first failure of this run. Guarded by `monitor`, as are the counts and
  /// `DirectoryMove.pending`.
  private var failure: Failure?

  /// - Parameters:
  ///   - source: the root directory of the tree, open for reading; it stays, emptied.
  ///   - status: the status of `source`.
  ///   - target: a directory, open for reading; empty unless `merging`.
  ///   - merging: whether the target has entries, which it keeps. Directories in both trees get the
  ///     times of those in the source, and keep their other metadata.
  ///   - apart: whether no file may also have a name outside of the tree, as the target's file
  ///     system has no place for it. Such a file fails the move with EXDEV, before its data move.
  ///   - selection: what is moved; nil for everything. With a selection, directories remain in both
  ///     trees, mounts stay where they are, and there is no way back.
  ///   - threads: the number of threads that may work; nil for one per processor.
  public init(
    from source: Int32, _ status: Status, to target: Int32, merging: Bool = false,
    apart: Bool = false, selecting selection: Selection? = nil, threads: Int? = nil
  ) {
    self.source = source
    self.target = target
    self.status = status
    self.selection = selection
    isMerge = merging
    isApart = apart
    crew = Crew(size: threads ?? processorCount())
  }

  deinit {
    crew.dismiss()
  }

  /// Moves the tree. After a failure the tree is split between both places, each entry whole in one
  /// of them, until `restore` brings it back.
  public func move() throws(Failure) {
    try run(
      DirectoryMove(
        [], in: nil, source: source, target: target, status, isMerge: isMerge,
        staysInSource: selection != nil))
  }

  /// Moves everything back to where it was.
  public func restore() throws(Failure) {
    isReturning = true
    failure = nil
    if let links {
      if links.isComplete {
        try links.dissolve()
        self.links = nil
      } else {
        try links.turnAround()
      }
    }

    let status = try Status(of: target)
    try run(DirectoryMove([], in: nil, source: target, target: source, status, isMerge: true))
    try setTimes(of: source, self.status)
    (entries, bytes) = (0, 0)
  }

  private func run(_ root: DirectoryMove) throws(Failure) {
    let workingDirectory = try attempt("open") { linux_openat(AT_FDCWD, ".", LINUX_O_PATH, 0) }
    defer {
      _ = fchdir(workingDirectory)
      closeQuietly(workingDirectory)
    }

    if root.isMerge { try root.disinherit() }

    // Keeps the root waiting for what comes after the walk.
    retain(root)
    walk(root)
    crew.finish()
    if failure == nil {
      do throws(Failure) { try finishLinks() } catch { fail(error) }
    }
    release(root)
    if let failure { throw failure }
  }

  private func walk(_ directory: DirectoryMove) {
    do throws(Failure) {
      var names = try Listing(of: directory.source)
      while let name = try names.next() {
        if hasFailed { break }
        if directory.parent == nil && isOurs(name) { continue }
        do throws(Failure) {
          try visit(name, in: directory)
        } catch { throw error.on(name) }
      }
    } catch { fail(error) }
    release(directory)
  }

  /// Whether an entry of the root is ours, not part of the tree.
  private func isOurs(_ name: [CChar]) -> Bool { name == HardLinks.directoryName && links != nil }

  private func visit(_ name: [CChar], in directory: DirectoryMove) throws(Failure) {
    let status = try Status(of: name, in: directory.source)
    if selection != nil, status.isMounted(in: directory.status) || !isSelected(status) { return }

    if status.isMountRoot && (!status.isDirectory || status.device == self.status.device) {
      // Nobody bind-mounts files, or parts of the tree itself, before the init runs. Moving the
      // mount of a file would need a third place, and a bind mount of part of the tree would lose
      // its content. Staying in rootfs is better than leaving something behind.
      throw Failure("bind mount", ENOTSUP)
    }
    if status.isDirectory {
      return walk(try enter(name, status, in: directory))
    }

    if status.links > 1 {
      try moveLinked(name, status, in: directory)
    } else if status.isRegular {
      retain(directory)
      crew.add(FileMove(mover: self, directory: directory, name: name, status: status))
    } else {
      try moveSpecial(from: directory.from(name), status, to: directory.to(name))
      count(1, 0)
    }
  }

  /// Whether an entry is moved. A file with several names changes when the first of them moves, so
  /// selected ones are remembered.
  private func isSelected(_ status: Status) -> Bool {
    let hasNames = status.links > 1 && !status.isDirectory
    if hasNames && selectedFiles.contains(status.inode) { return true }
    guard selection?.includes(status) ?? true else { return false }
    if hasNames { selectedFiles.insert(status.inode) }
    return true
  }

  private func moveLinked(_ name: [CChar], _ status: Status, in directory: DirectoryMove)
    throws(Failure)
  {
    let links =
      if let known = self.links { known } else {
        isReturning
          ? try HardLinks(source: target, target: source)
          : try HardLinks(source: source, target: target)
      }
    self.links = links
    if status.isRegular { hasLinkedFiles = true }

    let moved = try links.moveName(from: directory.from(name), status, to: directory.to(name))
    count(1, moved.bytes)
    if moved.endsInHole { noteHole(at: name, in: directory) }
  }

  /// Moves the data of files that have names elsewhere, once all names in the tree have moved.
  private func finishLinks() throws(Failure) {
    guard let links else { return }
    if isApart, try links.hasRest() { throw Failure("link", EXDEV) }
    count(0, try links.moveRest())
    try links.dissolve()
    self.links = nil
  }

  /// Creates the directory in the target, moves the mount on it along, and opens both.
  private func enter(
    _ name: [CChar], _ status: Status, in directory: DirectoryMove
  ) throws(Failure) -> DirectoryMove {
    let isMount = status.isMounted(in: directory.status)
    var isMerge = false

    do throws(Failure) {
      try attempt("mkdir") { mkdirat(directory.target, name, 0o700) }
    } catch {
      guard self.isMerge || isReturning, error.code == EEXIST else { throw error }
      isMerge = true
    }

    var (source, target): (Int32, Int32) = (-1, -1)
    var hasMountMoved = false
    do throws(Failure) {
      target = try openDirectory(name, in: directory.target)
      if isMount {
        try attempt("move_mount") {
          linux_move_mount(directory.source, name, directory.target, name)
        }
        hasMountMoved = true
      }
      source = try openDirectory(name, in: directory.source)

      let covered = isMount ? try Status(of: source) : status
      if covered.isMountRoot {
        // This is the lower of two mounts on one directory. Moved next, it would end up on top.
        throw Failure("mount on a mount", ENOTSUP)
      }
      let child = DirectoryMove(
        name, in: directory, source: source, target: target, covered, isMerge: isMerge,
        staysInSource: selection != nil)
      if isMerge { try child.disinherit() }
      retain(directory)
      count(1, 0)
      return child
    } catch {
      if source >= 0 { closeQuietly(source) }
      if hasMountMoved { _ = linux_move_mount(directory.target, name, directory.source, name) }
      if target >= 0 { closeQuietly(target) }
      if !isMerge { _ = unlinkat(directory.target, name, AT_REMOVEDIR) }
      throw error
    }
  }

  /// Makes the directory wait for one more.
  private func retain(_ directory: DirectoryMove) {
    monitor.lock()
    directory.pending += 1
    monitor.unlock()
  }

  /// Tells the directory that one of those it waited for is done. The last one settles it, and
  /// possibly its ancestors.
  func release(_ directory: DirectoryMove) {
    var next: DirectoryMove? = directory
    while let directory = next {
      monitor.lock()
      directory.pending -= 1
      let isLast = directory.pending == 0
      let isOver = failure != nil
      monitor.unlock()
      guard isLast else { return }

      if isOver {
        directory.abandon()
      } else {
        do throws(Failure) {
          try directory.settle()
        } catch {
          fail(error.on(directory.name))
          directory.abandon()
        }
      }
      next = directory.detach()
      if next != nil { directory.close() }
    }
  }

  func count(_ entries: Int, _ bytes: Int) {
    monitor.lock()
    self.entries += entries
    self.bytes += bytes
    monitor.unlock()
  }

  /// Records a file that ends in a hole, except on the way back.
  func noteHole(at name: [CChar], in directory: DirectoryMove) {
    if isReturning { return }
    monitor.lock()
    filesEndingInHole += 1
    if firstEndingInHole.isEmpty { firstEndingInHole = directory.path(of: name) }
    monitor.unlock()
  }

  var hasFailed: Bool {
    monitor.lock()
    defer { monitor.unlock() }
    return failure != nil
  }

  func fail(_ failure: Failure) {
    monitor.lock()
    if self.failure == nil || failure.tearsFile { self.failure = failure }
    monitor.unlock()
  }
}
