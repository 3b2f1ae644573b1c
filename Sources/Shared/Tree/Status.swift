// SPDX-License-Identifier: MIT

package import CLinux

/// What statx(2) says of one entry.
public struct Status {
  private let raw: linux_status

  /// The entry that `descriptor` is open on.
  public init(of descriptor: Int32) throws(Failure) {
    let empty: [CChar] = [0]
    raw = try Self.ask(descriptor, empty, LINUX_AT_EMPTY_PATH)
  }

  /// The entry `name` of a directory; a symbolic link itself, a mount on it rather than what the
  /// mount covers.
  package init(of name: UnsafePointer<CChar>, in directory: Int32) throws(Failure) {
    raw = try Self.ask(directory, name, AT_SYMLINK_NOFOLLOW)
  }

  private static func ask(
    _ directory: Int32, _ path: UnsafePointer<CChar>, _ flags: Int32
  ) throws(Failure) -> linux_status {
    var result = linux_status()
    try attempt("statx") {
      linux_statx(directory, path, flags, LINUX_STATX_BASIC_STATS, &result)
    }
    return result
  }

  /// Type and permissions, as in `st_mode`.
  package var mode: UInt32 { UInt32(raw.mode) }
  var permissions: UInt32 { mode & 0o7777 }
  var type: UInt32 { mode & UInt32(S_IFMT) }
  package var isDirectory: Bool { type == UInt32(S_IFDIR) }
  package var isRegular: Bool { type == UInt32(S_IFREG) }
  package var isSymbolicLink: Bool { type == UInt32(S_IFLNK) }
  /// A device, fifo or socket.
  var isSpecial: Bool { !isRegular && !isDirectory && !isSymbolicLink }

  package var user: UInt32 { raw.uid }
  package var group: UInt32 { raw.gid }
  package var links: UInt32 { raw.links }
  package var inode: UInt64 { raw.inode }

  /// The file system it is on.
  package var device: dev_t { linux_makedev(raw.dev_major, raw.dev_minor) }

  /// Whether both are on one file system.
  public func isBeside(_ other: Status) -> Bool { device == other.device }

  /// The device that a device node stands for.
  package var deviceNode: dev_t { linux_makedev(raw.rdev_major, raw.rdev_minor) }

  /// In bytes.
  package var size: Int { Int(raw.size) }

  /// Whether it is a file with holes: it takes fewer blocks of 512 bytes than its size. tmpfs and
  /// ramfs count their pages for that (mm/shmem.c, shmem_getattr(); fs/libfs.c, simple_getattr()).
  package var isSparse: Bool { size > 0 && (size - 1) / 512 >= Int(raw.blocks) }

  /// Whether a mount begins here. Linux 5.8; before, a directory on another device is taken for
  /// one.
  var isMountRoot: Bool { raw.attributes & LINUX_STATX_ATTR_MOUNT_ROOT != 0 }

  /// Whether a mount rests on this entry of a directory. Without STATX_ATTR_MOUNT_ROOT the device
  /// tells.
  func isMounted(in directory: Status) -> Bool { isMountRoot || !isBeside(directory) }

  /// The modification time, in whole seconds since 1970.
  package var modified: Int64 { raw.modified.seconds }

  /// When content or metadata were changed last, in the kernel's clock of start-up: two such times
  /// are equal if no tick came between.
  var changed: Moment {
    Moment(seconds: raw.changed.seconds, nanoseconds: raw.changed.nanoseconds)
  }

  /// Access and modification time, for utimensat(2).
  package var times: (timespec, timespec) {
    (
      timespec(tv_sec: Int(raw.accessed.seconds), tv_nsec: Int(raw.accessed.nanoseconds)),
      timespec(tv_sec: Int(raw.modified.seconds), tv_nsec: Int(raw.modified.nanoseconds))
    )
  }
}
