// SPDX-License-Identifier: MIT

import BootFacts
import CLinux
import Tree

/// Calls pivot_root(2) where it does no harm: in a child process with its own mount namespace.
enum Pivot {
  /// - Returns: 0, or the errno of the step that failed.
  static func attempt() -> Int32 {
    let result = inChild(pivot)
    return result.isEmpty ? ECHILD : Int32(result[0])
  }

  private static func pivot() -> [UInt8] {
    guard enterOwnMounts() == 0, mountSomewhere() == 0 else { return failure() }
    // pivot_root(2), NOTES: this stacks the old root on the new one; umount2(2) removes it.
    guard linux_pivot_root(".", ".") == 0, umount2(".", MNT_DETACH) == 0 else { return failure() }
    return [0]
  }

  private static func failure() -> [UInt8] { [UInt8(truncatingIfNeeded: linux_errno())] }

  /// Mounts a tmpfs on any directory of the root, and changes to it.
  private static func mountSomewhere() -> Int32 {
    guard chdir("/") == 0, let names = try? entryNames(of: openRoot()) else { return -1 }
    for name in names where name[0] != 0x2e {
      if mount("tmpfs", name, "tmpfs", 0, nil) == 0 { return chdir(name) }
    }
    return -1
  }
}

/// What a process finds below `/` after it unmounts `/`, as a container process with CAP_SYS_ADMIN
/// can: umount2(2), then setns(2) into its own mount namespace.
struct Below {
  let entries: Int
  let isSealed: Bool

  /// How many other mounts of it are in the mount table.
  let mounts: Int

  /// nil if nothing below is reachable: `/` is the root of the mount tree.
  static func look(_ proc: Proc) -> Below? {
    let result = inChild { reach(proc) }
    guard result.count > 9 else { return nil }
    let count = result[1..<9].reduce(0) { $0 << 8 | Int($1) }

    let mounts = proc.mounts()?.filter { $0.device.elementsEqual(result[9...]) } ?? []
    return Below(entries: count, isSealed: result[0] == 1, mounts: mounts.count)
  }

  private static func reach(_ proc: Proc) -> [UInt8] {
    guard enterOwnMounts() == 0 else { return [] }
    let namespace = proc.open(Text("self/ns/mnt"))
    guard umount2("/", MNT_DETACH) == 0, linux_setns(namespace, LINUX_CLONE_NEWNS) == 0 else {
      return []
    }
    let root = openRoot()
    var status = stat()
    guard fstat(root, &status) == 0, let names = try? entryNames(of: root) else { return [] }

    let count = names.count
    let isSealed = access("/", W_OK) < 0
    var answer: [UInt8] = [isSealed ? 1 : 0]
    for shift in stride(from: 56, through: 0, by: -8) {
      answer.append(UInt8(truncatingIfNeeded: count >> shift))
    }
    // In the format of mountinfo.
    var device = Text()
    device.add(Int(linux_major(status.st_dev)))
    device.add(":")
    device.add(Int(linux_minor(status.st_dev)))
    return answer + device.bytes
  }
}

/// For a child process, which closes it when it exits.
private func openRoot() -> Int32 { linux_openat(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY, 0) }

/// Enters a mount namespace that does not propagate to the rest of the system.
private func enterOwnMounts() -> Int32 {
  guard linux_unshare(LINUX_CLONE_NEWNS) == 0 else { return -1 }
  return mount(nil, "/", nil, UInt(MS_REC) | UInt(MS_PRIVATE), nil)
}

/// Runs `body` in a child process.
///
/// - Returns: the bytes that it returns, at most a pipe's capacity; none if fork(2) failed.
private func inChild(_ body: () -> [UInt8]) -> [UInt8] {
  var ends: [Int32] = [-1, -1]
  guard pipe(&ends) == 0 else { return [] }
  let child = fork()

  if child == 0 {
    var answer = Text()
    answer.add(body())
    answer.write(to: ends[1])
    _exit(0)
  }
  close(ends[1])
  defer { close(ends[0]) }
  if child < 0 { return [] }

  var answer: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 64)
  while true {
    let count = read(ends[0], &buffer, buffer.count)
    if count <= 0 { break }
    answer.append(contentsOf: buffer[..<count])
  }
  waitpid(child, nil, 0)
  return answer
}
