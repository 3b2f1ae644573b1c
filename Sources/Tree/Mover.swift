// SPDX-License-Identifier: MIT

import CLinux

/// Moves a whole tree from one file system to another: every entry with type, content, owner,
/// permissions, device number, times, xattrs and hard links; what is moved is removed from where it
/// was at once, so that the tree is in memory once. Mounts found in it are moved, not copied.
///
/// One thread walks; the regular files, which are most of the work, are moved by a crew.
/// Only descriptors and single names are used: no path can be led astray by a symbolic link.
public final class Mover {
  /// Directory entries that have left the source, the root not counted.
  public private(set) var entries: Int = 0

  /// Bytes of content that have left the source.
  public private(set) var bytes: Int = 0

  /// Files that `move` found to end in a hole: the kernel gives a file its size before its content
  /// (init/initramfs.c, do_name()), and an archive that is cut short leaves it so. Holes are of whole
  /// pages. A name outside the tree hides its file from this.
  public private(set) var filesEndingInHole: Int = 0

  /// The path of one of them from the root of the tree, which is its `/`; empty if there is none.
  public private(set) var firstEndingInHole: [UInt8] = []

  private let source: Int32
  private let target: Int32
  private let status: Status
  private let skipped: [CChar]
  private let crew: Crew

  /// From the first file of several names on, until its run is at its end, or `restore` is.
  private var links: HardLinks?
  private var isReturning = false

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  /// The first failure of this run. Guarded by `mutex`, as are the counts and `Folder.pending`.
  private var failure: Failure?

  /// - Parameters:
  ///   - source: the root directory of the tree, open for reading; it stays, emptied.
  ///   - status: the root directory's, from before the target was mounted in it.
  ///   - target: an empty directory, open for reading.
  ///   - skipped: an entry of the root that is left alone: the target's own mount point.
  ///   - threads: how many may work; nil for as many as there are processors.
  public init(
    from source: Int32, _ status: Status, to target: Int32, skipping skipped: StaticString,
    threads: Int? = nil
  ) {
    self.source = source
    self.target = target
    self.status = status
    self.skipped = cName(skipped)
    crew = Crew(size: threads ?? Crew.sizeOfMachine())
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    crew.dismiss()
    mutex.deallocate()
  }

  /// Moves the tree. If anything fails, it is in both places afterwards, each entry whole in one
  /// of them, until `restore` brings it back.
  public func move() throws(Failure) {
    try run(Folder([], in: nil, source: source, target: target, status, isMerge: false))
  }

  /// Brings everything that was moved back to where it was.
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
    try run(Folder([], in: nil, source: target, target: source, status, isMerge: true))
    try setTimes(of: source, self.status)
    (entries, bytes) = (0, 0)
  }

  private func run(_ root: Folder) throws(Failure) {
    let workingDirectory = try attempt("open") { linux_openat(AT_FDCWD, ".", LINUX_O_PATH, 0) }
    defer {
      _ = fchdir(workingDirectory)
      closeQuietly(workingDirectory)
    }

    if root.isMerge { try root.disinherit() }

    // One more for what comes after the walk.
    retain(root)
    walk(root)
    crew.finish()
    if failure == nil {
      do throws(Failure) { try finishLinks() } catch { fail(error) }
    }
    release(root)
    if let failure { throw failure }
  }

  private func walk(_ folder: Folder) {
    do throws(Failure) {
      var names = try Listing(of: folder.source)
      while let name = try names.next() {
        if hasFailed { break }
        if folder.parent == nil && isOurs(name) { continue }
        do throws(Failure) {
          try visit(name, in: folder)
        } catch { throw error.on(name) }
      }
    } catch { fail(error) }
    release(folder)
  }

  /// An entry of the root that is no part of the tree.
  private func isOurs(_ name: [CChar]) -> Bool {
    name == skipped || (name == HardLinks.directoryName && links != nil)
  }

  private func visit(_ name: [CChar], in folder: Folder) throws(Failure) {
    let status = try Status(of: name, in: folder.source)

    if status.isMountRoot && (!status.isDirectory || status.device == self.status.device) {
      // Nobody binds files, or parts of the tree itself, before the init runs. To move the mount of
      // a file would need a third place, and what is a part of the tree loses its content. Better
      // to stay in rootfs than to leave something behind.
      throw Failure("bind mount", ENOTSUP)
    }
    if status.isDirectory {
      return walk(try enter(name, status, in: folder))
    }

    if status.links > 1 {
      try moveLinked(name, status, in: folder)
    } else if status.isRegular {
      retain(folder)
      crew.add(FileMove(mover: self, folder: folder, name: name, status: status))
    } else {
      try moveSpecial(from: folder.from(name), status, to: folder.to(name))
      count(1, 0)
    }
  }

  private func moveLinked(_ name: [CChar], _ status: Status, in folder: Folder) throws(Failure) {
    let links =
      if let known = self.links { known } else {
        isReturning
          ? try HardLinks(source: target, target: source)
          : try HardLinks(source: source, target: target)
      }
    self.links = links

    let moved = try links.moveName(from: folder.from(name), status, to: folder.to(name))
    count(1, moved.bytes)
    if moved.endsInHole { noteHole(at: name, in: folder) }
  }

  /// All names have moved: the data of files that have names elsewhere follow.
  private func finishLinks() throws(Failure) {
    guard let links else { return }
    count(0, try links.moveRest())
    try links.dissolve()
    self.links = nil
  }

  /// Makes the directory in the target, takes the mount on it along, and opens both.
  private func enter(
    _ name: [CChar], _ status: Status, in folder: Folder
  ) throws(Failure) -> Folder {
    // Without STATX_ATTR_MOUNT_ROOT (Linux 5.8) the device tells.
    let isMount = status.isMountRoot || status.device != folder.status.device
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
    var isMerge = false

    do throws(Failure) {
      try attempt("mkdir") { mkdirat(folder.target, name, 0o700) }
    } catch {
      guard isReturning && error.code == EEXIST else { throw error }
      isMerge = true
    }

    var (source, target): (Int32, Int32) = (-1, -1)
    var hasMountMoved = false
    do throws(Failure) {
      target = try attempt("open") { linux_openat(folder.target, name, flags, 0) }
      if isMount {
        try attempt("move_mount") {
          linux_move_mount(folder.source, name, folder.target, name)
        }
        hasMountMoved = true
      }
      source = try attempt("open") { linux_openat(folder.source, name, flags, 0) }

      let covered = isMount ? try Status(of: source) : status
      if covered.isMountRoot {
        // The lower of two mounts on one directory: moved next, it would come to lie on top.
        throw Failure("mount on a mount", ENOTSUP)
      }
      let child = Folder(
        name, in: folder, source: source, target: target, covered, isMerge: isMerge)
      if isMerge { try child.disinherit() }
      retain(folder)
      count(1, 0)
      return child
    } catch {
      if source >= 0 { closeQuietly(source) }
      if hasMountMoved { _ = linux_move_mount(folder.target, name, folder.source, name) }
      if target >= 0 { closeQuietly(target) }
      if !isMerge { _ = unlinkat(folder.target, name, AT_REMOVEDIR) }
      throw error
    }
  }

  /// The folder waits for one more.
  private func retain(_ folder: Folder) {
    pthread_mutex_lock(mutex)
    folder.pending += 1
    pthread_mutex_unlock(mutex)
  }

  /// One of those that the folder waited for is done. The last one settles it, and maybe those
  /// above.
  func release(_ folder: Folder) {
    var next: Folder? = folder
    while let folder = next {
      pthread_mutex_lock(mutex)
      folder.pending -= 1
      let isLast = folder.pending == 0
      let isOver = failure != nil
      pthread_mutex_unlock(mutex)
      guard isLast else { return }

      if isOver {
        folder.abandon()
      } else {
        do throws(Failure) {
          try folder.settle()
        } catch {
          fail(error.on(folder.name))
          folder.abandon()
        }
      }
      if folder.parent != nil { folder.close() }
      next = folder.parent
    }
  }

  func count(_ entries: Int, _ bytes: Int) {
    pthread_mutex_lock(mutex)
    self.entries += entries
    self.bytes += bytes
    pthread_mutex_unlock(mutex)
  }

  /// The way back has no news.
  func noteHole(at name: [CChar], in folder: Folder) {
    if isReturning { return }
    pthread_mutex_lock(mutex)
    filesEndingInHole += 1
    if firstEndingInHole.isEmpty { firstEndingInHole = folder.path(of: name) }
    pthread_mutex_unlock(mutex)
  }

  var hasFailed: Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return failure != nil
  }

  func fail(_ failure: Failure) {
    pthread_mutex_lock(mutex)
    if self.failure == nil || failure.tearsFile { self.failure = failure }
    pthread_mutex_unlock(mutex)
  }
}
