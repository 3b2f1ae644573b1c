// SPDX-License-Identifier: MIT

/// A device number, in the two halves of newc.
public struct Device: Hashable, Sendable {
  /// Which driver.
  public var major: UInt32
  /// Which of the driver's devices.
  public var minor: UInt32

  /// A device number; 0:0 means none.
  public init(major: UInt32 = 0, minor: UInt32 = 0) {
    self.major = major
    self.minor = minor
  }
}

/// One file of an archive, apart from its data.
public struct Entry: Equatable, Sendable {
  /// The type of a file: the bits of `st_mode` under `S_IFMT`, inode(7).
  public enum FileType: UInt32, Equatable, Sendable {
    case fifo = 0o010000
    case characterDevice = 0o020000
    case directory = 0o040000
    case blockDevice = 0o060000
    case regular = 0o100000
    case symbolicLink = 0o120000
    case socket = 0o140000
  }

  /// Path from the root, without the leading slash: any bytes except NUL.
  public var name: [UInt8]
  /// Type bits and permission bits, as in `st_mode`.
  public var mode: UInt32
  /// The owner.
  public var userID: UInt32
  /// The owning group.
  public var groupID: UInt32
  /// How many names the file has; several names of one file share their ``inode``.
  public var linkCount: UInt32
  /// Seconds since 1970.
  public var modificationTime: UInt32
  /// The inode number; nil if the writer may choose it.
  public var inode: UInt32?
  /// The device that the file was on: with ``inode``, the key of a group of hard links.
  public var device: Device
  /// The device that the file is, if it is one.
  public var specialDevice: Device
  /// Bytes of data: a file's content, a symbolic link's target.
  public var size: UInt64

  /// An entry; by default owned by root, with one name and no data.
  public init(
    name: [UInt8], mode: UInt32, userID: UInt32 = 0, groupID: UInt32 = 0, linkCount: UInt32 = 1,
    modificationTime: UInt32 = 0, inode: UInt32? = nil, device: Device = Device(),
    specialDevice: Device = Device(), size: UInt64 = 0
  ) {
    self.name = name
    self.mode = mode
    self.userID = userID
    self.groupID = groupID
    self.linkCount = linkCount
    self.modificationTime = modificationTime
    self.inode = inode
    self.device = device
    self.specialDevice = specialDevice
    self.size = size
  }

  /// The type in ``mode``; nil if the bits are not a file type.
  public var type: FileType? { FileType(rawValue: mode & 0o170000) }
}
