// SPDX-License-Identifier: MIT

package import CLinux

/// What statx(2) reports about one entry.
public struct Status {
  private let raw: linux_status

  /// The status of the entry that `descriptor` is open on.
  public init(of descriptor: Int32) throws(Failure) {
    let empty: [CChar] = [0]
    raw = try Self.ask(descriptor, empty, LINUX_AT_EMPTY_PATH)
  }

  /// The status of entry `name` of a directory: of a symbolic link itself, and of a mount rather
  /// than what it covers.
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

  /// Whether both are on the same file system.
  public func isBeside(_ other: Status) -> Bool { device == other.device }

  /// The device that a device node represents.
  package var deviceNode: dev_t { linux_makedev(raw.rdev_major, raw.rdev_minor) }

  /// In bytes.
  package var size: Int { Int(raw.size) }

  /// Whether the file has holes: it takes fewer 512-byte blocks than its size needs. tmpfs and
  /// ramfs count their pages for that (mm/shmem.c, shmem_getattr(); fs/libfs.c, simple_getattr()).
  package var isSparse: Bool { size > 0 && (size - 1) / 512 >= Int(raw.blocks) }

  /// Whether this is the root of a mount. Since Linux 5.8; before that, a directory on another
  /// device counts as one.
  var isMountRoot: Bool { raw.attributes & LINUX_STATX_ATTR_MOUNT_ROOT != 0 }

  /// Whether something is mounted on this entry of `directory`. Without STATX_ATTR_MOUNT_ROOT the
  /// device decides.
  func isMounted(in directory: Status) -> Bool { isMountRoot || !isBeside(directory) }

  /// The modification time, in whole seconds since 1970.
  package var modified: Int64 { raw.modified.seconds }

  /// When content or metadata last changed, by the kernel's start-up clock: two times are equal if
  /// no tick came between them.
  var changed: Moment {
    Moment(seconds: raw.changed.seconds, nanoseconds: raw.changed.nanoseconds)
  }

  func hasOwnerAndPermissions(of other: Status) -> Bool {
    user == other.user && group == other.group && permissions == other.permissions
  }

  /// Whether the modification time is that of `other`.
  func hasModificationTime(of other: Status) -> Bool {
    raw.modified.seconds == other.raw.modified.seconds
      && raw.modified.nanoseconds == other.raw.modified.nanoseconds
  }

  /// Whether access and modification time are those of `other`.
  func hasTimes(of other: Status) -> Bool {
    hasModificationTime(of: other) && raw.accessed.seconds == other.raw.accessed.seconds
      && raw.accessed.nanoseconds == other.raw.accessed.nanoseconds
  }

  /// Access and modification time, for utimensat(2).
  package var times: (timespec, timespec) {
    (
      timespec(tv_sec: Int(raw.accessed.seconds), tv_nsec: Int(raw.accessed.nanoseconds)),
      timespec(tv_sec: Int(raw.modified.seconds), tv_nsec: Int(raw.modified.nanoseconds))
    )
  }
}
