// SPDX-License-Identifier: MIT

import CLinux

/// Where a path's last component is.
package struct RootedPlace {
  package let directory: Int32
  /// With its NUL and any trailing slashes.
  package let name: [CChar]
  /// Whether there are trailing slashes, which make lookups follow a symbolic link.
  package let hasSlash: Bool
}

/// Resolves paths as the tree's own root sees them: no `..`, absolute path or symbolic link leads
/// out of the tree. Uses openat2(2) with RESOLVE_IN_ROOT, Linux 5.6.
package final class RootedPaths {
  let root: Int32

  // The directories used last; entries of one directory mostly come together.
  private var known: [(path: [UInt8], directory: Int32)] = []
  private var next = 0
  /// Changes whenever a descriptor that a place had may be another directory's.
  package private(set) var generation = 0
  /// The index of the directory returned last, which the next call must not close.
  private var last = -1
  /// The path that was looked up last, while its place is valid; calls for one entry come together.
  private var lastPlace: (path: [UInt8], place: RootedPlace)?
  private static var capacity: Int { 16 }

  /// - Parameter root: open for reading; remains the caller's.
  package init(root: Int32) { self.root = root }

  deinit { forget() }

  /// Returns the place of `path`, valid until the call after the next; nil if the last component
  /// cannot be made: the root, `.` or `..`.
  package func place(of path: [UInt8]) throws(Failure) -> RootedPlace? {
    if let lastPlace, isSame(lastPlace.path, path[...]) { return lastPlace.place }
    lastPlace = nil
    var end = path.count
    while end > 0, path[end - 1] == Self.slash { end -= 1 }
    var start = end
    while start > 0, path[start - 1] != Self.slash { start -= 1 }

    let last = path[start..<end]
    let directory = try directory(path[..<start])
    if last.isEmpty || isDots(last) { return nil }
    let place = RootedPlace(
      directory: directory, name: cName(path[start...]), hasSlash: end < path.count)
    lastPlace = (path, place)
    return place
  }

  /// Opens what `path` leads to; the caller closes it. The empty path is the root, as in the kernel
  /// (getname_kernel).
  package func open(
    _ path: [UInt8], _ flags: Int32, mode: UInt32 = 0
  ) throws(Failure) -> Int32 {
    let name = path.isEmpty ? [Self.slash] : path
    do throws(Failure) {
      return try Self.resolve(name[...], in: root, flags, mode)
    } catch {
      // protected_symlinks (proc_sys_fs(5)) forbids this link, also when the kernel unpacks.
      throw error.code == EACCES ? Failure(error.step, ELOOP) : error
    }
  }

  /// Remembers that the open directory `directory` was made at `path`. Takes over the descriptor.
  package func remember(_ directory: Int32, at path: [UInt8]) {
    keep(directory, at: [UInt8](path.drop { $0 == Self.slash }))
  }

  private func keep(_ directory: Int32, at path: [UInt8]) {
    generation += 1
    lastPlace = nil
    guard known.count == Self.capacity else {
      last = known.count
      known.append((path, directory))
      return
    }
    if next == last { next = (next + 1) % Self.capacity }
    closeQuietly(known[next].directory)
    known[next] = (path, directory)
    last = next
    next = (next + 1) % Self.capacity
  }

  /// Forgets where paths lead, after something was removed that could have been on the way.
  package func forget() {
    generation += 1
    lastPlace = nil
    for one in known { closeQuietly(one.directory) }
    known.removeAll(keepingCapacity: true)
    next = 0
    last = -1
  }

  private func directory(_ path: ArraySlice<UInt8>) throws(Failure) -> Int32 {
    var path = path
    while path.last == Self.slash { path.removeLast() }
    while path.first == Self.slash { path.removeFirst() }
    if path.isEmpty { return root }

    for index in known.indices.reversed() where isSame(known[index].path, path) {
      last = index
      return known[index].directory
    }
    let directory = try Self.resolve(
      path, in: root, LINUX_O_PATH | O_DIRECTORY, 0, isOnTheWay: true)
    keep(directory, at: [UInt8](path))
    return directory
  }

  /// - Parameter isOnTheWay: whether more is looked up in the directory at `path`. A link at its
  ///   end is then followed like those before it: protected_symlinks forbids only a path's last
  ///   link.
  private static func resolve(
    _ path: ArraySlice<UInt8>, in root: Int32, _ flags: Int32, _ mode: UInt32,
    isOnTheWay: Bool = false
  ) throws(Failure) -> Int32 {
    var name = path.map { CChar(bitPattern: $0) }
    if isOnTheWay {
      name.append(0x2F)
      name.append(0x2E)
    }
    name.append(0)
    // EAGAIN: something, anywhere, was renamed or mounted while `..` was followed.
    var attempts = 0
    while true {
      do throws(Failure) {
        return try attempt("openat2") { linux_openat2_in_root(root, name, flags, mode) }
      } catch {
        attempts += 1
        guard error.code == EAGAIN, attempts < 100 else { throw error }
      }
    }
  }

  /// Directories used one after the other mostly differ at the end of their paths.
  private func isSame(_ one: [UInt8], _ other: ArraySlice<UInt8>) -> Bool {
    guard one.count == other.count, one.last == other.last else { return false }
    return one.withUnsafeBytes { one in
      other.withUnsafeBytes { memcmp(one.baseAddress!, $0.baseAddress!, one.count) == 0 }
    }
  }

  private func isDots(_ name: ArraySlice<UInt8>) -> Bool {
    name.count <= 2 && name.allSatisfy { $0 == UInt8(ascii: ".") }
  }

  private static var slash: UInt8 { UInt8(ascii: "/") }
}
