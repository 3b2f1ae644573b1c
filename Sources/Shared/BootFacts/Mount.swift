// SPDX-License-Identifier: MIT

/// One line of /proc/PID/mountinfo: proc_pid_mountinfo(5).
public final class Mount {
  public let id: Int
  /// The id of its parent mount; its own id if it is the root of the mount tree.
  public let parent: Int
  /// `MAJOR:MINOR` of the file system.
  public let device: ArraySlice<UInt8>
  /// The mount point; blanks and the like are escaped, as in `\040`.
  public let point: ArraySlice<UInt8>
  public let options: ArraySlice<UInt8>
  public let isShared: Bool
  public let type: ArraySlice<UInt8>
  public let source: ArraySlice<UInt8>

  /// nil if `line` is malformed.
  public init?(_ line: ArraySlice<UInt8>) {
    // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw
    let fields = line.split(separator: 0x20, omittingEmptySubsequences: false)
    guard fields.count >= 9, let id = number(fields[0]), let parent = number(fields[1]),
      let dash = fields[6...].firstIndex(where: { $0.equals("-") }), dash + 2 < fields.count
    else { return nil }

    self.id = id
    self.parent = parent
    device = fields[2]
    point = fields[4]
    options = fields[5]
    isShared = fields[6..<dash].contains { $0.starts(with: "shared:") }
    type = fields[dash + 1]
    source = fields[dash + 2]
  }
}

/// The mounts of a process.
///
/// A repetition of the first line also ends the table: on Linux 6.16 to 6.18, the file of a
/// namespace with a single mount does not end, because each read(2) starts again.
///
/// - Parameter read: read(2) of /proc/PID/mountinfo.
public func mounts(_ read: @escaping Lines.Read) throws(Unreadable) -> [Mount] {
  // More than 100,000 mounts (`fs.mount-max`) with lines of usual length.
  var lines = Lines(longest: 32 << 20, read)
  var mounts: [Mount] = []
  while let line = try lines.next() {
    guard let mount = Mount(line) else { throw Unreadable() }
    if mount.id == mounts.first?.id { break }
    mounts.append(mount)
  }
  return mounts
}

/// Why a tree must not move: a mount rests on it, and would lose it.
///
/// - Parameters:
///   - root: the mount of rootfs.
///   - mounts: all mounts of its namespace.
/// - Returns: the text for the log on the first such mount; nil if the tree may move.
public func obstacle(to root: Mount, in mounts: [Mount]) -> Text? {
  // mount(2): a mount whose parent is shared cannot be moved.
  if root.isShared { return Text("the mount of / is shared") }

  for other in mounts where other.id != root.id {
    let reason: StaticString
    if other.device.elementsEqual(root.device) {
      reason = " is a mount of rootfs"
    } else if other.type.equals("overlay") {
      reason = " is an overlay, and may rest on the tree"
    } else if other.device.starts(with: "7:") || other.source.starts(with: "/dev/loop") {
      // LOOP_MAJOR, include/uapi/linux/major.h
      reason = " is mounted from a loop device, whose file may be a part of the tree"
    } else {
      continue
    }
    return Text(Array(other.point)) + reason
  }
  return nil
}
